using Npgsql;
using TwoTower.Core;
using TwoTower.Postgres.Connections;

namespace TwoTower.Supabase.Publishing;

/// <summary>
/// One publication to a store at a time: a lock of the database that releases are published from. It lives as long as a transaction does: a
/// transaction pooler would give a session's lock to the next client.
/// </summary>
internal sealed class PublishLock : IAsyncDisposable
{
    private readonly NpgsqlConnection _connection;
    private readonly NpgsqlTransaction _transaction;

    private PublishLock(NpgsqlConnection connection, NpgsqlTransaction transaction) =>
        (_connection, _transaction) = (connection, transaction);

    /// <summary>Takes the lock; null where another has it.</summary>
    /// <param name="place">The store and the generation.</param>
    public static async Task<PublishLock?> TryTakeAsync(NpgsqlDataSource db, string place, CancellationToken ct)
    {
        var connection = await db.OpenConnectionAsync(ct);
        try
        {
            var transaction = await connection.BeginTransactionAsync(ct);

            // It does nothing while files are on their way: limits on that would end it.
            await connection.Sql("select set_config(name, '0', true) from pg_settings where name in ('idle_in_transaction_session_timeout', 'transaction_timeout')").ExecuteAsync(ct);
            var taken = await connection.Sql("select pg_try_advisory_xact_lock(hashtextextended('two_tower.publish ' || @place, 0))")
                .With("place", place).ScalarAsync<bool>(ct);
            if (taken) return new(connection, transaction);
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
            await _transaction.RollbackAsync(CancellationToken.None);
        }
        catch (Exception error) when (error is NpgsqlException or InvalidOperationException)
        {
            // A connection that is gone holds no lock.
        }

        await _connection.DisposeAsync();
    }
}
