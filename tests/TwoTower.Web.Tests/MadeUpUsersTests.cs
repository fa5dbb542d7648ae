using TwoTower.Postgres.Serving;
using TwoTower.Testing;

namespace TwoTower.Web.Tests;

/// <summary>Users made up by the hundred, all for one video.</summary>
public sealed class MadeUpUsersTests(PostgresFixture postgres)
{
    private const int Users = 400;

    [Theory]
    [InlineData(null, 1, 0)]
    [InlineData("2024-01-01T00:00:00Z", 1, 0)] // as if they had been there for years
    [InlineData("2024-01-01T00:00:00Z", 4, 0)]
    [InlineData(null, 1, 1)]
    [InlineData(null, 4, 1)]
    public async Task They_move_nothing_that_others_see_on_their_first_day(string? decidedAt, int videos, int days)
    {
        await using var db = await postgres.CreateDatabaseAsync();
        await TestReleases.LoadGoldenAsync(db);
        await using var api = await ApiHost.StartAsync(db, new()
        {
            ["TwoTower:Api:StatisticsRefreshSeconds"] = "0",
            ["TwoTower:Limits:WaitingRequests"] = "1000",
            ["TwoTower:Limits:Deadline"] = "00:02:00",
        });
        var statistics = new VideoStatistics(db.DataSource);
        await statistics.RefreshAsync();
        var path = $"/v1/users/{ApiWorld.Stranger}/recommendations?limit=100";
        var before = ApiWorld.Ids(await api.GetAsync(path));
        var pushed = before[^1];

        var decisions = Enumerable.Range(0, Users).SelectMany(_ =>
        {
            var user = Guid.NewGuid();
            return before[^videos..].Select(video => (object)new { userId = user, videoId = video, decision = "like", decidedAt });
        });
        await Parallel.ForEachAsync(decisions, new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (decision, _) => await api.PostAsync("/v1/decisions", decision, 201));
        await db.ExecuteAsync($"update two_tower.user_arrivals set arrived_at = arrived_at - interval '{days} days'");
        await statistics.RefreshAsync();
        var after = ApiWorld.Ids(await api.GetAsync(path));
        Assert.InRange(await db.ScalarAsync<int>($"select like_count from two_tower.video_statistics where video_id = '{pushed}'"), Users, Users + 100); // they are counted
        Assert.Equal(before[0], after[0]);
        Assert.DoesNotContain(pushed, after.Take(20));

        // The same users, a week later, are users like others.
        await db.ExecuteAsync("update two_tower.user_arrivals set arrived_at = arrived_at - interval '8 days'");
        await statistics.RefreshAsync();
        Assert.Contains(pushed, ApiWorld.Ids(await api.GetAsync(path)).Take(20));
    }
}
