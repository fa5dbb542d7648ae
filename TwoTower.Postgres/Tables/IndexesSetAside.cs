using Npgsql;
using TwoTower.Postgres.Connections;

namespace TwoTower.Postgres.Tables;

/// <summary>
/// The secondary indexes of a table that is empty, dropped while it is filled and made again after it, in one transaction: sorting rows
/// once for an index takes a fraction of the time that finding a place for each of them does. The table is locked until then, and whoever
/// reads it waits, also who only asks what a user has seen: so it is done only where nothing is served yet.
/// </summary>
internal sealed class IndexesSetAside
{
    // Who uses the table this long isn't made to wait.
    private const string Patience = "2s";

    private readonly NpgsqlConnection _connection;
    private readonly IReadOnlyList<string> _definitions;

    private IndexesSetAside(NpgsqlConnection connection, IReadOnlyList<string> definitions) =>
        (_connection, _definitions) = (connection, definitions);

    /// <summary>Drops them.</summary>
    /// <param name="table">The table, with its schema.</param>
    /// <returns>Null, and nothing is changed, where the table has rows, is somebody else's, or is in use, or where anything is served: a
    /// release is active, or videos are counted.</returns>
    public static async Task<IndexesSetAside?> TakeAsync(NpgsqlConnection connection, string table, CancellationToken ct)
    {
        if (!await IsOursAndEmptyAsync(connection, table, ct)) return null;
        await Staging.ExecuteAsync(connection, "savepoint indexes_set_aside", ct);
        try
        {
            if (await IsServedAsync(connection, ct)) return await LeaveAsync();
            var before = await connection.Sql("select current_setting('lock_timeout')").ScalarAsync<string>(ct);
            await Staging.ExecuteAsync(connection, $"set local lock_timeout = '{Patience}'; lock table {table} in access exclusive mode", ct);
            await connection.Sql("select set_config('lock_timeout', @before, true)").With("before", before!).ExecuteAsync(ct);
        }
        catch (PostgresException error) when (DatabaseErrors.FaultOf(error) is DatabaseFault.Busy or DatabaseFault.Denied)
        {
            return await LeaveAsync();
        }

        // Again: somebody may have been first.
        if (!await IsOursAndEmptyAsync(connection, table, ct) || await IsServedAsync(connection, ct)) return await LeaveAsync();

        // Of an index that keeps something, or has more to it than its definition, nothing is dropped.
        var indexes = await connection.Sql(
            """
            select i.indexrelid::regclass::text as name, pg_get_indexdef(i.indexrelid) as definition
            from pg_index i join pg_class c on c.oid = i.indexrelid
            where i.indrelid = @table::regclass and i.indisvalid and i.indisready and not i.indisunique and not i.indisexclusion and not i.indisclustered
              and not i.indisreplident and i.indexprs is null and c.reltablespace = 0 and obj_description(c.oid, 'pg_class') is null
              and not exists (select from pg_depend d where d.refclassid = 'pg_class'::regclass and d.refobjid = c.oid)
            order by 1
            """)
            .With("table", table).ListAsync(row => (Name: row.Get<string>("name"), Definition: row.Get<string>("definition")), ct);
        if (indexes.Count > 0) await Staging.ExecuteAsync(connection, $"drop index {string.Join(", ", indexes.Select(index => index.Name))}", ct);
        await Staging.ExecuteAsync(connection, "release savepoint indexes_set_aside", ct);
        return new(connection, [.. indexes.Select(index => index.Definition)]);

        async Task<IndexesSetAside?> LeaveAsync()
        {
            await Staging.ExecuteAsync(connection, "rollback to savepoint indexes_set_aside; release savepoint indexes_set_aside", ct);
            return null;
        }
    }

    /// <summary>Makes them again.</summary>
    public async Task RestoreAsync(CancellationToken ct)
    {
        await Staging.ExecuteAsync(
            _connection,
            "select set_config('maintenance_work_mem', '256MB', true) where pg_size_bytes(current_setting('maintenance_work_mem')) < pg_size_bytes('256MB')", ct);
        foreach (var definition in _definitions)
        {
            await Staging.ExecuteAsync(_connection, "savepoint index_made", ct);
            try
            {
                await Staging.ExecuteAsync(_connection, definition, ct);
            }
            catch (PostgresException error) when (DatabaseErrors.IsShortOfSharedMemory(error))
            {
                await Staging.ExecuteAsync(
                    _connection, $"rollback to savepoint index_made; set local max_parallel_maintenance_workers = 0; {definition}", ct);
            }

            await Staging.ExecuteAsync(_connection, "release savepoint index_made", ct);
        }
    }

    // Videos are counted for the popular lists; those are answered without a release.
    private static Task<bool> IsServedAsync(NpgsqlConnection connection, CancellationToken ct) => connection.Sql(
        """
        select exists (select from two_tower.active_release where release_id is not null) or exists (select from two_tower.video_statistics)
        """)
        .ScalarAsync<bool>(ct);

    private static Task<bool> IsOursAndEmptyAsync(NpgsqlConnection connection, string table, CancellationToken ct) => connection.Sql(
        $"""
        select c.relkind = 'r' and pg_has_role(c.relowner, 'usage') and not exists (select from {table})
        from pg_class c where c.oid = @table::regclass
        """)
        .With("table", table).ScalarAsync<bool>(ct);
}
