using TwoTower.Testing;

namespace TwoTower.EndToEnd.Tests;

/// <summary>Tables that are sound and hold nothing to learn from: exit code 3 and one line that says what is missing.</summary>
public sealed class NothingToTrainTests(PostgresFixture postgres) : IAsyncLifetime
{
    private Workplace _workplace = null!;

    public async ValueTask InitializeAsync() => _workplace = await Workplace.CreateAsync(postgres);

    public async ValueTask DisposeAsync() => await _workplace.DisposeAsync();

    [Fact]
    public async Task No_decisions_at_all() => await ExpectAsync("delete from user_video_decisions", "decision");

    [Fact]
    public async Task No_videos() => await ExpectAsync("delete from videos", "video");

    [Fact]
    public async Task Only_nopes_and_no_sampled_negatives() =>
        await ExpectAsync("delete from user_video_decisions where decision_type = 'like'", "like");

    private async Task ExpectAsync(string sql, string named)
    {
        await _workplace.ImportGoldenAsync();
        await _workplace.Database.ExecuteAsync(sql);

        var result = await _workplace.TryAsync("train");

        Assert.Equal(3, result.ExitCode);
        Assert.Contains(named, Assert.Single(result.ErrorLines));
        Assert.Equal(0, await _workplace.Database.ScalarAsync<long>("select count(*) from two_tower.releases"));
    }
}
