using Npgsql;

namespace TwoTower.Cli.Demo;

/// <summary>What was loaded into a database, in the database itself: <c>two_tower.loads</c>.</summary>
internal sealed class LoadJournal(NpgsqlDataSource db)
{
    /// <summary>When data with this fingerprint was loaded completely; null when it wasn't.</summary>
    public async Task<DateTimeOffset?> FindAsync(string fingerprint, CancellationToken ct)
    {
        await using var command = Command("select loaded_at from two_tower.loads where fingerprint = $1", fingerprint);
        return await command.ExecuteScalarAsync(ct) is DateTime at ? new DateTimeOffset(at, TimeSpan.Zero) : null;
    }

    /// <summary>Whether the database holds rows that no load with this fingerprint brought.</summary>
    public async Task<bool> HoldsOtherDataAsync(string fingerprint, CancellationToken ct)
    {
        await using var command = Command(
            """
            select exists (select from two_tower.loads where fingerprint <> $1)
                or (not exists (select from two_tower.loads) and (exists (select from videos) or exists (select from profiles)))
            """, fingerprint);
        return (bool)(await command.ExecuteScalarAsync(ct))!;
    }

    /// <summary>Notes that a load begins.</summary>
    public Task BeginAsync(string fingerprint, string description, CancellationToken ct) => ExecuteAsync(
        """
        insert into two_tower.loads (fingerprint, description) values ($1, $2)
        on conflict (fingerprint) do update
        set description = excluded.description, begun_at = excluded.begun_at, loaded_at = null
        """, ct, fingerprint, description);

    /// <summary>Notes that all rows of a load are there.</summary>
    public Task EndAsync(string fingerprint, CancellationToken ct) =>
        ExecuteAsync("update two_tower.loads set loaded_at = clock_timestamp() where fingerprint = $1", ct, fingerprint);

    private async Task ExecuteAsync(string sql, CancellationToken ct, params string[] values)
    {
        await using var command = Command(sql, values);
        await command.ExecuteNonQueryAsync(ct);
    }

    private NpgsqlCommand Command(string sql, params string[] values)
    {
        var command = db.CreateCommand(sql);
        foreach (var value in values)
        {
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = value });
        }

        return command;
    }
}
