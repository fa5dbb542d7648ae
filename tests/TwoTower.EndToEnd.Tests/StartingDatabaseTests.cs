using Npgsql;
using TwoTower.Testing;

namespace TwoTower.EndToEnd.Tests;

/// <summary>Verbs that a platform starts wait for a database that isn't there yet.</summary>
public sealed class StartingDatabaseTests(PostgresFixture postgres) : IAsyncLifetime
{
    private Workplace _workplace = null!;

    public async ValueTask InitializeAsync() => _workplace = await Workplace.CreateAsync(postgres);

    public async ValueTask DisposeAsync() => await _workplace.DisposeAsync();

    [Theory]
    [InlineData("generate", "--viewers", "20", "--videos", "30", "--if-empty", "--wait", "300")]
    [InlineData("db", "migrate", "--wait", "300")]
    public async Task A_verb_that_waits_does_its_work_when_the_database_comes(params string[] verb)
    {
        var database = new NpgsqlConnectionStringBuilder(_workplace.Database.ConnectionString);
        await using var network = TcpProxy.Before(database.Port);
        network.Cut();
        _workplace.Environment["TWOTOWER_DATABASE"] = new NpgsqlConnectionStringBuilder(database.ConnectionString) { Host = "127.0.0.1", Port = network.Port }.ConnectionString;
        await using var process = _workplace.Start(verb);
        await process.LineAsync(line => line.StartsWith("waiting up to 300 s for the database: ", StringComparison.Ordinal));
        await network.RefusedAsync(3);

        network.Restore();

        var result = await process.ExitAsync();
        Assert.True(result.ExitCode == 0, $"exit code {result.ExitCode}:\n{result.Out}\n{result.Err}");
        if (verb[0] == "generate") Assert.Equal(20, await _workplace.Database.ScalarAsync<long>("select count(*) from profiles"));
    }

    [Fact]
    public async Task A_verb_whose_wait_is_over_says_for_how_long_it_waited()
    {
        _workplace.Environment["TWOTOWER_DATABASE"] = "Host=127.0.0.1;Port=1;Database=films;Username=me;Password=hush";

        var result = await _workplace.TryAsync("generate", "--if-empty", "--wait", "1");

        Assert.Equal(2, result.ExitCode);
        Assert.Contains("didn't answer within 1 s", Assert.Single(result.ErrorLines), StringComparison.Ordinal);
        Assert.DoesNotContain("hush", result.Out + result.Err, StringComparison.Ordinal);
    }
}
