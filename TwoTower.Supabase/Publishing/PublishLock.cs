using Npgsql;
using TwoTower.Core;
using TwoTower.Postgres.Connections;

namespace TwoTower.Supabase.Publishing;

/// <summary>One publication to a store at a time: a lock of the database that releases are published from.</summary>
internal sealed class PublishLock : IAsyncDisposable
{
    private readonly NpgsqlConnection _connection;

    private PublishLock(NpgsqlConnection connection) => _connection = connection;

    /// <summary>Takes the lock; null where another has it.</summary>
    /// <param name="place">The store and the generation.</param>
    public static async Task<PublishLock?> TryTakeAsync(NpgsqlDataSource db, string place, CancellationToken ct)
    {
        var connection = await db.OpenConnectionAsync(ct);
        try
        {
            if (await connection.Sql("select pg_try_advisory_lock(hashtextextended('two_tower.publish ' || @place, 0))").With("place", place).ScalarAsync<bool>(ct)) return new(connection);
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }

        await connection.DisposeAsync();
        return null;
    }

    /// <summary>Takes the lock.</summary>
    /// <exception cref="InputException">Another has it.</exception>
    public static async Task<PublishLock> TakeAsync(NpgsqlDataSource db, string place, CancellationToken ct) =>
        await TryTakeAsync(db, place, ct) ?? throw new InputException($"Another publication to {place} runs: wait for its end.");

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        try
        {
            await _connection.Sql("select pg_advisory_unlock_all()").ExecuteAsync(CancellationToken.None);
        }
        catch (NpgsqlException)
        {
            // A connection that is gone holds no lock.
        }

        await _connection.DisposeAsync();
    }
}
