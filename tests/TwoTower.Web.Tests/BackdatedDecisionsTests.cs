using Microsoft.Extensions.Options;
using TwoTower.Postgres.Serving;
using TwoTower.Testing;

namespace TwoTower.Web.Tests;

/// <summary>A client says when its user decided. What counts of a day goes by when it came.</summary>
public sealed class BackdatedDecisionsTests(PostgresFixture postgres)
{
    [Theory]
    [InlineData(null)]
    [InlineData("2024-01-{0:00}T12:00:00Z")]    // a day each
    [InlineData("2001-{0:00}-01T00:00:00Z")]    // a month each
    public async Task Of_one_day_so_many_count_whatever_days_they_are_dated(string? dated)
    {
        await using var db = await postgres.CreateDatabaseAsync();
        await TestVideos.InsertAsync(db, 1, 8);
        await using var api = await ApiHost.StartAsync(db, new() { ["TwoTower:Api:StatisticsRefreshSeconds"] = "0" });
        var user = Guid.NewGuid();
        for (var n = 1; n <= 8; n++)
        {
            var decidedAt = dated is null ? null : string.Format(System.Globalization.CultureInfo.InvariantCulture, dated, n);
            await api.PostAsync("/v1/decisions", new { userId = user, videoId = TestVideos.Id(n), decision = "like", decidedAt }, 201);
        }

        var options = new PopularityOptions { Maturity = TimeSpan.Zero, Spread = 1, DecisionsPerDay = 3 };
        await new VideoStatistics(db.DataSource, Options.Create(options)).RefreshAsync();
        Assert.Equal(8L, await db.ScalarAsync<long>("select sum(like_count) from two_tower.video_statistics"));
        Assert.Equal(3L, await db.ScalarAsync<long>("select count(*) from two_tower.video_statistics where popularity > 0"));
    }
}
