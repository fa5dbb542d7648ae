using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.Options;
using TwoTower.Core.Quality;
using TwoTower.Postgres.Releases;
using TwoTower.Testing;

namespace TwoTower.Web.Tests;

/// <summary>Experiments over HTTP, what is recorded of what they served, and the comparison that comes of it.</summary>
public sealed class ExperimentsApiTests(PostgresFixture postgres) : IAsyncLifetime
{
    private const string Key = "correct-horse-battery-staple";
    private static readonly List<Guid> Viewers =
        [.. Golden.UserPayloads.Where(user => user.DecisionStats.LikeCount > 0).Select(user => user.UserId)];

    private TestDatabase _db = null!;
    private Release _one = null!, _two = null!;

    public async ValueTask InitializeAsync()
    {
        _db = await postgres.CreateDatabaseAsync();
        await TestReleases.LoadGoldenAsync(_db);
        _one = await TestReleases.ActivateAsync(_db, TestCheckpoints.Random(seed: 1));
        _two = await TestReleases.ReadyAsync(_db, TestCheckpoints.Random(seed: 2), Golden.AsOf.AddHours(1));
    }

    public async ValueTask DisposeAsync() => await _db.DisposeAsync();

    private async Task<ApiHost> StartAsync(string flushInterval = "00:00:00.05")
    {
        var api = await ApiHost.StartAsync(_db, new()
        {
            ["TwoTower:Api:OperatorKey"] = Key,
            ["TwoTower:Impressions:Share"] = "1",
            ["TwoTower:Impressions:FlushInterval"] = flushInterval,
        });
        api.Client.DefaultRequestHeaders.Authorization = new("Bearer", Key);
        return api;
    }

    private static async Task<JsonElement> PutAsync(ApiHost api, string name, object body, int status = 200, string? problem = null) =>
        await ApiHost.ReadAsync(await api.Client.PutAsJsonAsync($"/v1/experiments/{name}", body), status, problem);

    [Fact]
    public async Task An_experiment_is_started_served_recorded_compared_and_stopped()
    {
        await using (var api = await StartAsync(flushInterval: "00:10:00"))
        {
            var started = await PutAsync(api, "taste", new { modelVersion = _two.ModelVersion, share = 0.5, actor = "alice" });
            Assert.Equal(("operator over HTTP", JsonValueKind.Null), (started.GetProperty("startedBy").GetString(),
                started.GetProperty("stoppedAt").ValueKind));
            foreach (var viewer in Viewers)
            {
                var answer = await api.GetAsync($"/v1/users/{viewer}/recommendations?limit=5");
                var expected = UserShare.Of(viewer, "experiment:taste") < 0.5 ? _two : _one;
                Assert.Equal(expected.ModelVersion, answer.GetProperty("modelVersion").GetString());
                var first = answer.GetProperty("videos")[0].GetProperty("videoId").GetGuid();
                if (expected == _two) await api.PostAsync("/v1/decisions", new { userId = viewer, videoId = first, decision = "like" }, 201);
            }

            var stopped = await api.PostAsync("/v1/experiments/taste/stop", new { actor = "bob", reason = "seen enough" }, 200);
            Assert.Equal("seen enough", stopped.GetProperty("stopReason").GetString());
            foreach (var viewer in Viewers.Take(10))
            {
                Assert.Equal(_one.ModelVersion, (await api.GetAsync($"/v1/users/{viewer}/recommendations?limit=1")).GetProperty("modelVersion").GetString());
            }

            Assert.Equal("taste", (await api.GetAsync("/v1/experiments")).GetProperty("experiments")[0].GetProperty("name").GetString());
        }

        // Nothing was to be written for ten minutes: the end of the process wrote it.
        Assert.Equal(
            Viewers.Count * 5 + 10L,
            await _db.ScalarAsync<long>("select count(*) from two_tower.impressions where rank between 1 and 5 and strategy = 'two_tower'"));
        await using var later = await StartAsync();
        var path = $"/v1/releases/compare?a={_one.ModelVersion}&b={_two.ModelVersion}";
        var compared = await later.GetAsync($"{path}&experiment=taste");
        Assert.Equal(Viewers.Count, compared.GetProperty("a").GetProperty("users").GetInt32() + compared.GetProperty("b").GetProperty("users").GetInt32());
        var likes = compared.GetProperty("metrics")[0];
        Assert.Equal("likes_per_recommendation", likes.GetProperty("name").GetString());
        Assert.Equal((0, 0.2), (likes.GetProperty("a").GetProperty("value").GetDouble(), likes.GetProperty("b").GetProperty("value").GetDouble()));
        Assert.Equal(0.2, likes.GetProperty("difference").GetProperty("value").GetDouble(), 12);
        Assert.Equal(0, (await later.GetAsync($"{path}&since=2999-01-01")).GetProperty("a").GetProperty("users").GetInt32());
        await later.GetAsync($"{path}&since=yesterday", 400);
        await later.GetAsync($"/v1/releases/compare?a={_one.ModelVersion}&b=nope", 404, "unknown-release");
    }

    [Fact]
    public async Task What_cannot_be_started_says_why()
    {
        await using var api = await StartAsync();
        Assert.Contains("nope", (await PutAsync(api, "a", new { modelVersion = "nope", share = 0.5 }, 404, "unknown-release")).GetProperty("detail").GetString(), StringComparison.Ordinal);
        await PutAsync(api, "a", new { modelVersion = _one.ModelVersion, share = 0.5 }, 409, "release-state");
        await PutAsync(api, "a", new { modelVersion = _two.ModelVersion, share = 1 }, 400);
        await PutAsync(api, "Two%20Words", new { modelVersion = _two.ModelVersion, share = 0.5 }, 400);
        await PutAsync(api, "a", new { modelVersion = _two.ModelVersion, share = 0.5 });
        Assert.Contains(
            "one runs at a time",
            (await PutAsync(api, "b", new { modelVersion = _two.ModelVersion, share = 0.5 }, 409, "experiment-in-the-way")).GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.Contains(
            "is in experiment a",
            (await api.PostAsync($"/v1/releases/{_two.ModelVersion}/retire", new { }, 409, "release-state")).GetProperty("detail").GetString(), StringComparison.Ordinal);
        await api.PostAsync("/v1/experiments/nope/stop", new { }, 404, "unknown-experiment");

        api.Client.DefaultRequestHeaders.Authorization = null;
        await PutAsync(api, "c", new { modelVersion = _two.ModelVersion, share = 0.5 }, 401);
        await api.GetAsync("/v1/experiments", 401);
    }

    [Fact]
    public async Task A_table_of_impressions_that_somebody_locks_holds_up_no_request()
    {
        await using var api = await StartAsync();
        await using (await LockedTable.LockAsync(_db, "two_tower.impressions, two_tower.serving_counts"))
        {
            foreach (var viewer in Viewers.Take(20)) await api.GetAsync($"/v1/users/{viewer}/recommendations?limit=3");
        }

        await api.DisposeAsync();
        Assert.Equal(60L, await _db.ScalarAsync<long>("select count(*) from two_tower.impressions"));
        Assert.Equal(20L, await _db.ScalarAsync<long>("select sum(answers)::bigint from two_tower.serving_counts"));
    }

    [Theory]
    [InlineData("TwoTower:Impressions:Share", "2", "Share")]
    [InlineData("TwoTower:Impressions:Days", "0", "Days")]
    [InlineData("TwoTower:Impressions:FlushInterval", "00:00:00", "FlushInterval")]
    public async Task A_setting_out_of_range_ends_the_start_by_its_name(string key, string value, string name)
    {
        var error = await Assert.ThrowsAsync<OptionsValidationException>(() => ApiHost.StartAsync(_db, new() { [key] = value }));
        Assert.Contains(name, Assert.Single(error.Failures), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_document_describes_experiments_and_the_key_that_they_need()
    {
        await using var api = await StartAsync();
        var paths = (await api.GetAsync("/openapi/v1.json")).GetProperty("paths").EnumerateObject()
            .Where(path => path.Name.StartsWith("/v1/experiments", StringComparison.Ordinal)).ToList();
        Assert.Equal(["/v1/experiments", "/v1/experiments/{name}", "/v1/experiments/{name}/stop"], paths.Select(path => path.Name).Order());
        foreach (var operation in paths.SelectMany(path => path.Value.EnumerateObject()).Select(method => method.Value))
        {
            Assert.False(string.IsNullOrEmpty(operation.GetProperty("description").GetString()));
            Assert.True(operation.GetProperty("security")[0].TryGetProperty("operatorKey", out _));
            Assert.True(operation.GetProperty("responses").GetProperty("200").GetProperty("content").GetProperty("application/json").TryGetProperty("example", out _));
        }

        await using var closed = await ApiHost.StartAsync(_db);
        await closed.GetAsync("/v1/experiments", 404);
    }
}
