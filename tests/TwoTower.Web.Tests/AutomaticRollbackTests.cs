using Microsoft.Extensions.Options;
using TwoTower.Postgres.Experiments.Rollback;
using TwoTower.Postgres.Impressions;
using TwoTower.Postgres.Releases;
using TwoTower.Postgres.Serving;
using TwoTower.Testing;

namespace TwoTower.Web.Tests;

/// <summary>A release that can't answer is activated: requests fail, the replicas count it, and go back by themselves.</summary>
public sealed class AutomaticRollbackTests(PostgresFixture postgres)
{
    private static readonly Dictionary<string, string?> Settings = new()
    {
        ["TwoTower:Impressions:FlushInterval"] = "00:00:00.05",
        ["TwoTower:Rollback:CheckInterval"] = "00:00:00.1",
        ["TwoTower:Rollback:MinRequests"] = "20",
        ["TwoTower:Rollback:MinFailedUsers"] = "5",
    };

    // Who has likes: their answers are the release's.
    private static readonly Guid[] Viewers =
        [.. Golden.UserPayloads.Where(user => user.DecisionStats.LikeCount > 0).Select(user => user.UserId)];

    [Fact]
    public async Task Two_replicas_leave_a_release_whose_tower_is_broken_once_and_answer_again()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        var (good, broken) = await WorldAsync(db);
        await using var one = await ApiHost.StartAsync(db, Settings);
        await using var two = await ApiHost.StartAsync(db, Settings);
        var store = new ReleaseStore(db.DataSource);
        await store.ActivateAsync(broken.ModelVersion, "alice", null);

        string Path(int n) => $"/v1/users/{Viewers[n % Viewers.Length]}/recommendations?limit=5";
        var failed = 0;
        while ((await store.GetActiveAsync())!.ModelVersion == broken.ModelVersion)
        {
            Assert.True(failed < 10_000, "nobody goes back");
            foreach (var api in new[] { one, two })
            {
                if ((int)(await api.Client.GetAsync(Path(failed))).StatusCode == 503) failed++;
            }
        }

        // Neither replica saw all of them; together they were enough.
        Assert.True(failed >= 20, $"{failed}");
        foreach (var api in new[] { one, two }) Assert.Equal(good.ModelVersion, (await api.GetAsync(Path(0))).GetProperty("modelVersion").GetString());
        var undone =
            Assert.Single(
                await new ActivationHistory(db.DataSource).ReadAsync(broken.ModelVersion), activation => activation.Undid is not null);
        Assert.Contains("requests failed because of the release", undone.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_release_that_finds_nothing_of_what_the_one_before_finds_is_left()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        var (good, bad) = await WorldAsync(db, breakIt: false);
        await using var api = await ApiHost.StartAsync(db, Settings);
        for (var n = 0; n < 60; n++) await AskAsync(api, n);
        await CountedAsync(api, db, good);
        await new ReleaseStore(db.DataSource).ActivateAsync(bad.ModelVersion, "alice", null);
        await db.ExecuteAsync($"truncate {bad.Table}");

        for (var n = 0; (await new ReleaseStore(db.DataSource).GetActiveAsync())!.ModelVersion == bad.ModelVersion; n++)
        {
            Assert.True(n < 10_000, "nobody goes back");
            await AskAsync(api, n);
        }

        var undone =
            Assert.Single(
                await new ActivationHistory(db.DataSource).ReadAsync(bad.ModelVersion), activation => activation.Undid is not null);
        Assert.Contains("answers had no video though there are some", undone.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("regions=%00")]
    [InlineData("bannedTags=a%00b")]
    [InlineData("maxSafetyLevel=0&{every tag}")]
    [InlineData("{every video seen}")]
    public async Task Nothing_that_clients_send_leaves_a_release(string attack)
    {
        await using var db = await postgres.CreateDatabaseAsync();
        var (before, release) = await WorldAsync(db, breakIt: false);
        await using var api = await ApiHost.StartAsync(db, Settings);
        for (var n = 0; n < 60; n++) await AskAsync(api, n);
        await CountedAsync(api, db, before);
        await new ReleaseStore(db.DataSource).ActivateAsync(release.ModelVersion, "alice", null);
        if (attack.Contains("every tag", StringComparison.Ordinal))
        {
            await db.ExecuteAsync("delete from videos v where not exists (select from video_tags t where t.video_id = v.id)");
            var tags = await db.ListAsync<string>("select distinct tag_name from video_tags");
            attack = string.Join('&', tags.Select(tag => "bannedTags=" + Uri.EscapeDataString(tag)));
        }
        else if (attack.Contains("seen", StringComparison.Ordinal))
        {
            // One who has a video left, to tell by that the counts have come in.
            await db.ExecuteAsync($"""
                insert into user_video_decisions (user_id, video_id, decision_type)
                select u.user_id, v.id, 'nope' from (select distinct user_id from user_video_decisions where user_id <> '{Viewers[0]}') u, videos v
                """);
            attack = "";
        }

        var statuses = new HashSet<int>();
        for (var n = 0; n < 260; n++)
        {
            var viewer = Viewers[1 + n % (Viewers.Length - 1)];
            var answer = await api.Client.GetAsync($"/v1/users/{viewer}/recommendations?{attack}");
            statuses.Add((int)answer.StatusCode);
            if (answer.IsSuccessStatusCode) Assert.Empty((await ApiHost.ReadAsync(answer, 200)).GetProperty("videos").EnumerateArray());
        }

        Assert.Single(statuses);
        await CountedAsync(api, db, release);
        Assert.Null(await new AutomaticRollback(db.DataSource, new() { MinRequests = 1, MinFailedUsers = 1 }).CheckAsync());
        Assert.Equal(0L, await db.ScalarAsync<long>("select count(*) from two_tower.serving_faults"));
        Assert.Equal(release.ModelVersion, (await new ReleaseStore(db.DataSource).GetActiveAsync())!.ModelVersion);
    }

    [Fact]
    public async Task A_search_that_fails_by_what_a_client_sent_is_not_the_releases_and_one_that_fails_for_anybody_is()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        var (_, release) = await WorldAsync(db, breakIt: false);
        await new ReleaseStore(db.DataSource).ActivateAsync(release.ModelVersion, "alice", null);
        using var towers = new TowerCache(new ReleaseStore(db.DataSource), 1);
        var impressions = new ImpressionOptions();
        var recorder = new ServingRecorder(Options.Create(impressions));
        var service = new RecommendationService(db.DataSource, towers, Options.Create(new RecommendationOptions()), recorder);
        async Task<long> FailuresAsync()
        {
            await new ServingRecordWriter(db.DataSource, recorder, impressions).FlushAsync();
            return await db.ScalarAsync<long>("select count(*) from two_tower.serving_faults where kind = 'failed'");
        }

        // Past the API's own checks: whatever it may let through one day.
        var bad = new VideoFilter { Regions = ["a\0b"] };
        await Assert.ThrowsAsync<Npgsql.PostgresException>(() => service.RecommendAsync(new(ApiWorld.Viewer, 5, false, bad)));
        Assert.Equal(0, await FailuresAsync());

        // A schema of which a part is missing, as between two migrations.
        await db.ExecuteAsync("alter function two_tower.video_filter(text[], uuid[], uuid[], text[], uuid, uuid[]) rename to video_filter_of_tomorrow");
        await Assert.ThrowsAsync<Npgsql.PostgresException>(() => service.RecommendAsync(new(ApiWorld.Viewer, 5, false, new VideoFilter())));
        Assert.Equal(0, await FailuresAsync());
        await db.ExecuteAsync("alter function two_tower.video_filter_of_tomorrow(text[], uuid[], uuid[], text[], uuid, uuid[]) rename to video_filter");

        // The same request, of a release whose vectors are gone from its table.
        await db.ExecuteAsync($"alter table {release.Table} drop column embedding");
        var failed = await Assert.ThrowsAsync<RecommendationException>(() => service.RecommendAsync(new(ApiWorld.Viewer, 5, false, bad)));
        Assert.Equal(NoAnswer.NoUsableRelease, failed.Why);
        Assert.Equal(1, await FailuresAsync());
    }

    private static Task<System.Text.Json.JsonElement> AskAsync(ApiHost api, int n) => api.GetAsync($"/v1/users/{Viewers[n % Viewers.Length]}/recommendations?limit=5");

    // What was served before is written before, or with it.
    private static async Task CountedAsync(ApiHost api, TestDatabase db, Release release)
    {
        Task<long> AnswersAsync() => db.ScalarAsync<long>($"select coalesce(sum(answers - empty), 0)::bigint from two_tower.serving_counts where release_id = {release.Id}");
        var before = await AnswersAsync();
        await api.GetAsync($"/v1/users/{Viewers[0]}/recommendations?limit=1&includeSeen=true");
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        while (await AnswersAsync() == before) await Task.Delay(50, patience.Token);
    }

    [Fact]
    public async Task Switched_off_nothing_is_left_by_itself()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        var (_, broken) = await WorldAsync(db);
        await using var api = await ApiHost.StartAsync(db, new(Settings) { ["TwoTower:Rollback:Enabled"] = "false" });
        var store = new ReleaseStore(db.DataSource);
        await store.ActivateAsync(broken.ModelVersion, "alice", null);
        for (var n = 0; n < 60; n++) await api.GetAsync($"/v1/users/{ApiWorld.Viewer}/recommendations", 503);
        // As long as it would have taken: the counts are in, and more than one look has passed.
        while (await db.ScalarAsync<long>("select coalesce(sum(failed), 0)::bigint from two_tower.serving_counts") < 60) await Task.Delay(50);
        await Task.Delay(500);
        Assert.Equal(broken.ModelVersion, (await store.GetActiveAsync())!.ModelVersion);
    }

    [Theory]
    [InlineData("TwoTower:Rollback:ErrorMargin", "2", "ErrorMargin")]
    [InlineData("TwoTower:Rollback:MinUsers", "1", "MinUsers")]
    [InlineData("TwoTower:Rollback:Window", "00:00:01", "Window")]
    public async Task A_setting_out_of_range_ends_the_start_by_its_name(string key, string value, string name)
    {
        await using var db = await postgres.CreateDatabaseAsync();
        var error = await Assert.ThrowsAsync<OptionsValidationException>(() => ApiHost.StartAsync(db, new() { [key] = value }));
        Assert.Contains(name, Assert.Single(error.Failures), StringComparison.Ordinal);
    }

    private static async Task<(Release Good, Release Broken)> WorldAsync(TestDatabase db, bool breakIt = true)
    {
        await TestReleases.LoadGoldenAsync(db);
        var good = await TestReleases.ActivateAsync(db, TestCheckpoints.Random(seed: 1));
        var broken = await TestReleases.ReadyAsync(db, TestCheckpoints.Random(seed: 2), Golden.AsOf.AddHours(1));
        if (breakIt) await db.ExecuteAsync(
            $"alter table two_tower.release_files disable trigger user; delete from two_tower.release_files where release_id = {broken.Id} and path = 'user_tower.onnx'");
        return (good, broken);
    }
}
