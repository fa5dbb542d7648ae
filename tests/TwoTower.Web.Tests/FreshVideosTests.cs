using TwoTower.Postgres.Serving;
using TwoTower.Testing;

namespace TwoTower.Web.Tests;

/// <summary>What nobody has seen can't be liked: a new video has a place in popular and fresh that no likes give it.</summary>
public sealed class FreshVideosTests(PostgresFixture postgres)
{
    private static readonly Guid New = new("00000000-0000-4000-8000-00000000f4e5");

    [Theory]
    [InlineData(null, null, 5)]
    [InlineData("3", null, 3)]
    [InlineData("0", null, null)]
    [InlineData(null, "1", null)] // it is two days old
    public async Task A_new_video_without_likes_has_its_place_for_a_stranger(string? every, string? days, int? rank)
    {
        await using var db = await postgres.CreateDatabaseAsync();
        await TestReleases.LoadGoldenAsync(db);
        await db.ExecuteAsync($"insert into videos (id, title, product_released_at) values ('{New}', 'new', now() - interval '2 days')");
        await new VideoStatistics(db.DataSource).RefreshAsync();
        await using var api = await ApiHost.StartAsync(db, new()
        {
            ["TwoTower:Recommendation:FreshEvery"] = every ?? "5",
            ["TwoTower:Recommendation:FreshDays"] = days ?? "30",
        });

        var answer = await api.GetAsync($"/v1/users/{ApiWorld.Stranger}/recommendations?limit=10");
        Assert.Equal("popular_and_fresh", answer.GetProperty("strategy").GetString());
        var videos = ApiWorld.Ids(answer);
        Assert.Equal(10, videos.Distinct().Count());
        Assert.Equal((rank ?? 0) - 1, videos.IndexOf(New));
        if (rank is not { } place) return;
        double ScoreAt(int position) => answer.GetProperty("videos")[position - 1].GetProperty("rankScore").GetDouble();
        Assert.Equal(ScoreAt(place - 1), ScoreAt(place));

        // The others keep their order, and what the user has seen leaves its place to the next.
        var without = await api.GetAsync($"/v1/users/{ApiWorld.Stranger}/recommendations?limit=10&excludeVideoIds={New}");
        Assert.Equal(videos.Where(id => id != New), ApiWorld.Ids(without).Take(9));
    }
}
