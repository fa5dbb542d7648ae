using Microsoft.Extensions.Options;
using TwoTower.Postgres.Releases;
using TwoTower.Testing;

namespace TwoTower.Web.Tests;

/// <summary>A release that can't answer is activated: requests fail, the replicas count it, and go back by themselves.</summary>
[Collection("postgres")]
public sealed class AutomaticRollbackTests(PostgresFixture postgres)
{
    private static readonly Dictionary<string, string?> Settings = new()
    {
        ["TwoTower:Impressions:FlushInterval"] = "00:00:00.05",
        ["TwoTower:Rollback:CheckInterval"] = "00:00:00.1",
        ["TwoTower:Rollback:MinRequests"] = "20",
    };

    [Fact]
    public async Task Two_replicas_leave_a_release_whose_tower_is_broken_once_and_answer_again()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        var (good, broken) = await WorldAsync(db);
        await using var one = await ApiHost.StartAsync(db, Settings);
        await using var two = await ApiHost.StartAsync(db, Settings);
        var store = new ReleaseStore(db.DataSource);
        await store.ActivateAsync(broken.ModelVersion, "alice", null);

        var path = $"/v1/users/{ApiWorld.Viewer}/recommendations?limit=5";
        var failed = 0;
        while ((await store.GetActiveAsync())!.ModelVersion == broken.ModelVersion)
        {
            Assert.True(failed < 10_000, "nobody goes back");
            foreach (var api in new[] { one, two })
            {
                if ((int)(await api.Client.GetAsync(path)).StatusCode == 503) failed++;
            }
        }

        // Neither replica saw all of them; together they were enough.
        Assert.True(failed >= 20, $"{failed}");
        foreach (var api in new[] { one, two }) Assert.Equal(good.ModelVersion, (await api.GetAsync(path)).GetProperty("modelVersion").GetString());
        var undone = Assert.Single(await new ActivationHistory(db.DataSource).ReadAsync(broken.ModelVersion), activation => activation.Undid is not null);
        Assert.Contains("requests failed because of the release", undone.Reason, StringComparison.Ordinal);
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

    private static async Task<(Release Good, Release Broken)> WorldAsync(TestDatabase db)
    {
        await TestReleases.LoadGoldenAsync(db);
        var good = await TestReleases.ActivateAsync(db, TestCheckpoints.Random(seed: 1));
        var broken = await TestReleases.ReadyAsync(db, TestCheckpoints.Random(seed: 2), Golden.AsOf.AddHours(1));
        await db.ExecuteAsync($"alter table two_tower.release_files disable trigger user; delete from two_tower.release_files where release_id = {broken.Id} and path = 'user_tower.onnx'");
        return (good, broken);
    }
}
