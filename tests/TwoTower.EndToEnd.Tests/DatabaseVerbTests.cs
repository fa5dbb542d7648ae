using TwoTower.Testing;

namespace TwoTower.EndToEnd.Tests;

/// <summary>What <c>db migrate</c>, <c>db status</c> and <c>doctor</c> tell about a database.</summary>
public sealed class DatabaseVerbTests(PostgresFixture postgres) : IAsyncLifetime
{
    private Workplace _workplace = null!;

    public async ValueTask InitializeAsync() => _workplace = await Workplace.CreateAsync(postgres);

    public async ValueTask DisposeAsync() => await _workplace.DisposeAsync();

    [Fact]
    public async Task An_empty_database_is_told_what_it_lacks_and_migrating_brings_it_up_to_date()
    {
        await using var empty = await postgres.CreateEmptyDatabaseAsync();
        _workplace.Environment["TWOTOWER_DATABASE"] = empty.ConnectionString;

        var before = (await _workplace.RunAsync("db", "status")).Out;
        Assert.Contains("0001_public_tables.sql", before);
        Assert.Contains("public.get_user_embedding_features(uuid)", before);
        Assert.Contains("twotower db migrate", before);
        var early = await _workplace.TryAsync("import", "csv", Golden.Folder);
        Assert.Equal(2, early.ExitCode);
        Assert.Contains("twotower db migrate", Assert.Single(early.ErrorLines));

        await _workplace.RunAsync("db", "migrate");
        await _workplace.RunAsync("db", "migrate");

        var after = (await _workplace.RunAsync("db", "status")).Out;
        Assert.Contains("none missing", after);
        Assert.Contains("none absent or outdated", after);
    }

    [Fact]
    public async Task The_doctor_finds_a_sound_machine_and_database()
    {
        var found = await _workplace.JsonAsync("doctor", "--port", $"{FreePort.Next()}");

        Assert.True(found.GetProperty("ok").GetBoolean());
        Assert.All(
            found.GetProperty("checks").EnumerateArray().Where(check => check.GetProperty("name").GetString() is "database" or "pgvector" or "migrations"),
            check => Assert.Equal("ok", check.GetProperty("state").GetString()));
    }

    [Fact]
    public async Task The_doctor_names_a_database_that_does_not_answer_and_fails()
    {
        _workplace.Environment["TWOTOWER_DATABASE"] = "Host=127.0.0.1;Port=1;Database=films;Username=me;Password=hush;Timeout=2";

        var result = await _workplace.TryAsync("doctor", "--port", $"{FreePort.Next()}");

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("127.0.0.1:1", result.Out);
        Assert.DoesNotContain("hush", result.Out + result.Err);
    }
}
