using TwoTower.Testing;

namespace TwoTower.EndToEnd.Tests;

/// <summary>Everything from the migration to an answer through PgBouncer in transaction mode.</summary>
public sealed class TransactionPoolerTests(PostgresFixture postgres)
{
    [Fact]
    public async Task A_database_behind_a_transaction_pooler_is_migrated_filled_trained_on_embedded_and_served()
    {
        Assert.SkipWhen(PgBouncer.Program() is null, "there is no pgbouncer on this machine (Debian, Ubuntu: apt install pgbouncer)");
        await using var db = await postgres.CreateEmptyDatabaseAsync();
        await using var workplace = await Workplace.CreateAsync(postgres);
        await using var pooler = await PgBouncer.StartAsync(postgres.ServerConnectionString, connections: 8);
        workplace.Environment["TWOTOWER_DATABASE"] = pooler.Through(db.ConnectionString);

        await workplace.RunAsync("db", "migrate");
        await workplace.GenerateAsync();
        var version = await workplace.ReleaseAsync();
        var viewer = await db.ScalarAsync<Guid>("select user_id from user_video_decisions where decision_type = 'like' order by user_id limit 1");
        await using var server = await ServerProcess.StartAsync(workplace);

        var answer = await server.GetAsync($"/v1/users/{viewer}/recommendations");
        Assert.Equal(version, answer.GetProperty("modelVersion").GetString());
        Assert.Equal(20, answer.GetProperty("videos").GetArrayLength());
        await workplace.RunAsync("releases", "verify", version);
    }
}
