using Npgsql;
using TwoTower.Supabase.Publishing;
using TwoTower.Testing;

namespace TwoTower.Supabase.Tests.Publishing;

/// <summary>One publication to a place at a time, however the database is reached.</summary>
public sealed class PublishLockTests(PostgresFixture postgres)
{
    [Fact]
    public async Task Behind_a_transaction_pooler_one_has_the_lock_until_they_give_it_back()
    {
        Assert.SkipWhen(PgBouncer.Program() is null, "there is no pgbouncer on this machine (Debian, Ubuntu: apt install pgbouncer)");
        await using var db = await postgres.CreateDatabaseAsync();
        await using var pooler = await PgBouncer.StartAsync(postgres.ServerConnectionString, connections: 3);
        await using var one = NpgsqlDataSource.Create(pooler.Through(db.ConnectionString));
        await using var other = NpgsqlDataSource.Create(pooler.Through(db.ConnectionString));
        for (var round = 0; round < 3; round++)
        {
            var (mine, theirs) = round % 2 == 0 ? (one, other) : (other, one);
            await using (await PublishLock.TakeAsync(mine, "a place", default))
            {
                // Whichever of the server's connections they come to.
                for (var i = 0; i < 6; i++) Assert.Null(await PublishLock.TryTakeAsync(i % 2 == 0 ? theirs : mine, "a place", default));
                await using var elsewhere = await PublishLock.TakeAsync(theirs, "another place", default);
            }
        }

        Assert.Equal(0, await db.ScalarAsync<long>(
            "select count(*) from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())"));
    }

    /// <summary>Files may be on their way for longer than a database lets a transaction be idle.</summary>
    [Fact]
    public async Task A_limit_on_idle_transactions_does_not_end_it()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        await db.ExecuteAsync($"alter database {db.Name} set idle_in_transaction_session_timeout = '100ms'");
        await using var fresh = NpgsqlDataSource.Create(db.ConnectionString + ";Pooling=false");
        await using (await PublishLock.TakeAsync(fresh, "a place", default))
        {
            await Task.Delay(500);
            Assert.Null(await PublishLock.TryTakeAsync(fresh, "a place", default));
        }

        await using var again = await PublishLock.TakeAsync(fresh, "a place", default);
    }
}
