using System.Text.Json;
using TwoTower.Postgres.Releases;
using TwoTower.Postgres.Schema;
using TwoTower.Testing;

namespace TwoTower.Web.Tests;

/// <summary>A deployment that has no model yet, or has lost it: it collects decisions, and says what it can't do.</summary>
public sealed class WithoutReleaseTests(PostgresFixture postgres) : IAsyncLifetime
{
    private TestDatabase _db = null!;
    private ApiHost _api = null!;

    public async ValueTask InitializeAsync()
    {
        _db = await postgres.CreateDatabaseAsync();
        await TestReleases.LoadGoldenAsync(_db);

        // Nothing is loaded by a look that happens to fall between two steps of a test.
        _api = await ApiHost.StartAsync(_db, new() { ["TwoTower:Api:ReleasePollSeconds"] = "3600" });
    }

    public async ValueTask DisposeAsync()
    {
        await _api.DisposeAsync();
        await _db.DisposeAsync();
    }

    [Fact]
    public async Task Popular_videos_and_decisions_work_and_what_needs_a_model_is_503_and_never_an_empty_list()
    {
        Assert.Equal("popular_and_fresh", (await _api.GetAsync($"/v1/users/{ApiWorld.Stranger}/recommendations")).GetProperty("strategy").GetString());
        await _api.PostAsync("/v1/decisions", new { userId = ApiWorld.Stranger, videoId = Golden.ItemPayloads[0].VideoId, decision = "like" }, 201);

        // The stranger has a like now.
        var response = await _api.Client.GetAsync($"/v1/users/{ApiWorld.Stranger}/recommendations");
        Assert.Equal("5", response.Headers.RetryAfter?.ToString());
        await ApiHost.ReadAsync(response, 503, "no-usable-release");
        await _api.GetAsync($"/v1/videos/{Golden.ItemPayloads[0].VideoId}/similar", 503, "no-usable-release");
    }

    [Fact]
    public async Task Readiness_is_degraded_but_ready_until_a_release_is_active()
    {
        var ready = await _api.GetAsync("/health/ready");
        Assert.Equal("degraded", ready.GetProperty("status").GetString());
        Assert.Equal("healthy", Check(ready, "database").GetProperty("status").GetString());
        Assert.Equal("healthy", Check(ready, "schema").GetProperty("status").GetString());
        Assert.Contains("no release is active", Check(ready, "release").GetProperty("description").GetString(), StringComparison.Ordinal);
        Assert.Equal("healthy", (await _api.GetAsync("/health/live")).GetProperty("status").GetString());

        var release = await TestReleases.ActivateAsync(_db, TestCheckpoints.Random());
        ready = await _api.GetAsync("/health/ready");
        Assert.Equal("healthy", ready.GetProperty("status").GetString());
        Assert.Equal(release.ModelVersion, Check(ready, "release").GetProperty("modelVersion").GetString());
        Assert.Equal("two_tower", (await _api.GetAsync($"/v1/users/{ApiWorld.Viewer}/recommendations")).GetProperty("strategy").GetString());
    }

    [Fact]
    public async Task An_active_release_whose_files_are_damaged_is_503_with_the_file_named_and_recovers_with_another()
    {
        var store = new ReleaseStore(_db.DataSource);
        var good = await TestReleases.ReadyAsync(_db, TestCheckpoints.Random(seed: 2));
        var release = await TestReleases.ReadyAsync(_db, TestCheckpoints.Random());
        await _db.ExecuteAsync($"""
            alter table two_tower.release_files disable trigger user;
            delete from two_tower.release_files where release_id = {release.Id} and path = 'user_tower.onnx'
            """);
        await store.ActivateAsync(release.ModelVersion, "test", null);

        var problem = await _api.GetAsync($"/v1/users/{ApiWorld.Viewer}/recommendations", 503, "no-usable-release");
        Assert.Contains("user_tower.onnx", problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
        await _api.GetAsync($"/v1/users/{ApiWorld.Stranger}/recommendations");

        await store.ActivateAsync(good.ModelVersion, "test", null);
        var answer = await _api.GetAsync($"/v1/users/{ApiWorld.Viewer}/recommendations");
        Assert.Equal(good.ModelVersion, answer.GetProperty("modelVersion").GetString());
    }

    [Fact]
    public async Task A_new_video_that_no_embedder_has_come_to_has_its_vector_from_the_releases_item_tower()
    {
        await TestReleases.ActivateAsync(_db, TestCheckpoints.Random());
        // A video that is as an old one is: the old one is nearest to it, and what is near to the one is near to the other.
        var old = Golden.Tables.Videos.First(video => video.IsActive && video.SafetyLevel <= 1 && video.Tags.Count > 1).Id;
        var added = await AddTwinAsync(old);
        var answer = await _api.GetAsync($"/v1/videos/{added}/similar?limit=10");
        Assert.Equal(old, ApiWorld.Ids(answer)[0]);
        Assert.Equal(1, answer.GetProperty("videos")[0].GetProperty("score").GetDouble(), tolerance: 1e-5);
        var known = ApiWorld.Ids(await _api.GetAsync($"/v1/videos/{old}/similar?limit=9"));
        Assert.Equal(known, ApiWorld.Ids(answer).Skip(1));
        Assert.DoesNotContain(known[0], ApiWorld.Ids(await _api.GetAsync($"/v1/videos/{added}/similar?limit=10&excludeVideoIds={known[0]}")));

        // Another release has another tower.
        var next = await TestReleases.ReadyAsync(_db, TestCheckpoints.Random(seed: 3));
        await new ReleaseStore(_db.DataSource).ActivateAsync(next.ModelVersion, "test", null);
        var newest = await AddTwinAsync(old);
        answer = await _api.GetAsync($"/v1/videos/{newest}/similar?limit=10");
        Assert.Equal(next.ModelVersion, answer.GetProperty("modelVersion").GetString());
        Assert.Contains(old, ApiWorld.Ids(answer).Take(2)); // the first twin has a vector of its own by now
    }

    private Task<Guid> AddTwinAsync(Guid video) => _db.ScalarAsync<Guid>($"""
        with twin as (
          insert into videos (title, price, duration_seconds, product_released_at, distribution_started_at, safety_level, region_codes)
          select 'twin', price, duration_seconds, product_released_at, distribution_started_at, safety_level, region_codes from videos where id = '{video}'
          returning id),
        tags as (insert into video_tags select twin.id, tag_name from twin, video_tags where video_id = '{video}'),
        performers as (insert into video_performers select twin.id, performer_name from twin, video_performers where video_id = '{video}')
        select id from twin
        """);

    [Fact]
    public async Task Without_an_item_tower_a_new_video_is_409_with_the_reason_and_a_hidden_one_is_gone_at_once()
    {
        var release = await TestReleases.ActivateAsync(_db, TestCheckpoints.Random());
        await _db.ExecuteAsync($"""
            alter table two_tower.release_files disable trigger user;
            delete from two_tower.release_files where release_id = {release.Id} and path = 'item_tower.onnx'
            """);
        var added = await _db.ScalarAsync<Guid>("insert into videos (title) values ('just added') returning id");
        var problem = await _api.GetAsync($"/v1/videos/{added}/similar", 409, "video-without-vector");
        Assert.Contains($"{added} has no vector in release {release.ModelVersion}", problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.Contains("has no item_tower.onnx", problem.GetProperty("detail").GetString(), StringComparison.Ordinal);

        var path = $"/v1/videos/{Golden.ItemPayloads[0].VideoId}/similar?limit=3";
        var nearest = ApiWorld.Ids(await _api.GetAsync(path))[0];
        await _db.ExecuteAsync($"update videos set is_active = false where id = '{nearest}'");
        Assert.DoesNotContain(nearest, ApiWorld.Ids(await _api.GetAsync(path)));
        await _api.GetAsync($"/v1/videos/{nearest}/similar", 404, "unknown-video");
    }

    [Fact]
    public async Task A_database_that_is_not_migrated_is_unready_with_the_remedy_and_works_once_it_is_without_a_restart()
    {
        await using var empty = await postgres.CreateEmptyDatabaseAsync();
        await using var api = await ApiHost.StartAsync(empty);
        var response = await api.Client.GetAsync("/health/ready");
        Assert.Equal(503, (int)response.StatusCode);
        var ready = JsonElement.Parse(await response.Content.ReadAsStringAsync());
        Assert.Contains("db migrate", Check(ready, "schema").GetProperty("description").GetString(), StringComparison.Ordinal);
        await api.GetAsync($"/v1/users/{ApiWorld.Stranger}/recommendations", 503, "database-not-migrated");

        await Migrator.MigrateAsync(empty.DataSource, null, default);
        await TestReleases.LoadGoldenAsync(empty);
        await TestReleases.ActivateAsync(empty, TestCheckpoints.Random());
        Assert.Equal("healthy", (await api.GetAsync("/health/ready")).GetProperty("status").GetString());
        Assert.Equal("two_tower", (await api.GetAsync($"/v1/users/{ApiWorld.Viewer}/recommendations")).GetProperty("strategy").GetString());
    }

    [Fact]
    public async Task A_newer_programs_schema_leaves_the_older_replica_ready_but_degraded()
    {
        await _db.ExecuteAsync("insert into two_tower.migrations values (9999, '9999_future.sql', 'x')");
        await using var api = await ApiHost.StartAsync(_db);
        var ready = await api.GetAsync("/health/ready");
        Assert.Equal("degraded", Check(ready, "schema").GetProperty("status").GetString());
    }

    private static JsonElement Check(JsonElement ready, string name) => ready.GetProperty("checks").GetProperty(name);
}
