using Npgsql;

namespace TwoTower.Testing;

/// <summary>Tables that a transaction holds until this is disposed: whoever reads them waits.</summary>
internal sealed class LockedTable : IAsyncDisposable
{
    /// <summary>What every list and every decision of a user reads.</summary>
    public const string Decisions = "public.user_video_decisions";

    private readonly TestDatabase _db;
    private readonly NpgsqlConnection _connection;

    private LockedTable(TestDatabase db, NpgsqlConnection connection) => (_db, _connection) = (db, connection);

    /// <summary>Locks the tables, separated by commas.</summary>
    public static async Task<LockedTable> LockAsync(TestDatabase db, string tables = Decisions)
    {
        // One of its own: it is closed with the transaction, whatever became of that.
        var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(db.ConnectionString) { Pooling = false }.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand($"begin; lock table {tables} in access exclusive mode", connection);
        await command.ExecuteNonQueryAsync();
        return new(db, connection);
    }

    /// <summary>The server's processes that wait for it.</summary>
    public async Task<IReadOnlyList<int>> WaitersAsync() => await _db.ListAsync<int>(
        $"select pid from pg_stat_activity where {_connection.ProcessID} = any(pg_blocking_pids(pid)) order by pid");

    /// <summary>Waits until somebody waits for it.</summary>
    public async Task<IReadOnlyList<int>> WaitedForAsync()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        while (true)
        {
            if (await WaitersAsync() is { Count: > 0 } waiters) return waiters;
            await Task.Delay(20, patience.Token);
        }
    }

    public ValueTask DisposeAsync() => _connection.DisposeAsync();
}
