using System.Globalization;
using Npgsql;
using TwoTower.Core;
using TwoTower.Postgres.Connections;

namespace TwoTower.Postgres.Schema;

/// <summary>
/// Brings a database to this program's schema, in one transaction: all of it or nothing. Numbered migrations once each, in order; functions
/// whenever their text changed. Safe to run again, by several processes at once, behind a transaction pooler, and on a database that has
/// the tables or functions already: what is theirs stays theirs.
/// </summary>
internal static class Migrator
{
    // Any number; the same for every process that migrates.
    private const long LockKey = 0x74776F_746F776572;

    /// <summary>Migrates.</summary>
    /// <param name="say">Told each step, a line each.</param>
    /// <param name="ct">Stops; all of it is rolled back.</param>
    /// <exception cref="InputException">The server can't be used, or the database isn't one that this program may change.</exception>
    public static async Task<MigrationReport> MigrateAsync(NpgsqlDataSource db, Action<string>? say, CancellationToken ct)
    {
        var server = await ServerCheck.ReadAsync(db, ct);
        ServerCheck.Require(server);
        try
        {
            var migrations = new List<string>();
            await using var connection = await db.OpenConnectionAsync(ct);
            await using var transaction = await connection.BeginTransactionAsync(ct);
            await ExecuteAsync(connection, "set local statement_timeout = 0", ct);

            // Held to the end of the transaction: who comes second finds it all done.
            await LockAsync(connection, LockKey, ct);
            await ExecuteAsync(connection, SqlScript.Journal.Text, ct);
            var journal = await ReadJournalAsync(connection, ct);
            Verify(journal);
            await ExistingTables.RequireAsync(connection, ct);
            foreach (var migration in SqlScript.Migrations.Where(migration => !journal.ContainsKey(migration.Version)))
            {
                await ApplyAsync(connection, migration, ct);
                say?.Invoke($"migrated {migration.Name}");
                migrations.Add(migration.Name);
            }

            var functions = await FunctionScripts.ApplyAsync(connection, say, ct);
            if (migrations.Count + functions.Applied.Count > 0) await ExistingTables.RequireReadableAsync(connection, ct);
            server = await ServerCheck.ReadAsync(connection, ct);
            IReadOnlyList<string> warnings = ServerCheck.Warnings(server);
            if (await FollowVideosAsync(connection, ct) is { } reason)
            {
                warnings = [.. warnings, $"There are no triggers that tell which videos change ({reason}): the embedder compares all videos instead (docs/embedding.md)."];
            }

            warnings = [.. warnings, .. await SecureSupabaseAsync(connection, ct)];
            await transaction.CommitAsync(ct);

            // The extension's types may be new to this process.
            if (migrations.Count > 0) await connection.ReloadTypesAsync(ct);
            return new(migrations, functions.Applied, functions.Foreign, server.VectorVersion!, warnings);
        }
        catch (PostgresException error) when (ExistingTables.IsMisfit(error))
        {
            throw new InputException(
                $"A table, view or type that was there before can't be used: {error.MessageText}{(error.Hint is { } hint ? $" ({hint})" : "")}. Nothing was changed. "
                + "docs/data.md lists the columns and their types; change the column, or use another database.", error);
        }
        catch (Exception error) when (DatabaseErrors.Explain(error, db) is { } explained)
        {
            throw explained;
        }
    }

    /// <summary>Tells how far a database is; changes nothing.</summary>
    /// <exception cref="InputException">The server doesn't answer, or a migration was edited after it was applied.</exception>
    public static async Task<MigrationStatus> StatusAsync(NpgsqlDataSource db, CancellationToken ct)
    {
        var server = await ServerCheck.ReadAsync(db, ct);
        await using var connection = await db.OpenConnectionAsync(ct);
        var journal = await ReadJournalAsync(connection, ct);
        var newer = journal.Where(entry => SqlScript.Migrations.All(migration => migration.Version != entry.Key)).ToDictionary();
        Verify(new(journal.Except(newer).ToDictionary()));
        var functions = await FunctionScripts.StatusAsync(connection, ct);
        return new(
            server,
            [.. journal.Values.Select(entry => entry.Name)],
            [.. SqlScript.Migrations.Where(migration => !journal.ContainsKey(migration.Version)).Select(migration => migration.Name)],
            [.. newer.Values.Select(entry => entry.Name)],
            functions.Missing,
            functions.Outdated,
            functions.Foreign);
    }

    /// <summary>Tells which columns of tables that are there can't be used, a sentence each, and the tables as an import reads
    /// them.</summary>
    public static async Task<(IReadOnlyList<string> Misfits, IReadOnlyList<SourceTable> Tables)> FindMisfitsAsync(
        NpgsqlDataSource db, CancellationToken ct)
    {
        await using var connection = await db.OpenConnectionAsync(ct);
        var misfits = await ExistingTables.FindMisfitsAsync(connection, ct);
        return (misfits, misfits.Count == 0 ? [] : await SourceTable.FindAsync(connection, ct));
    }

    private static async Task ApplyAsync(NpgsqlConnection connection, SqlScript migration, CancellationToken ct)
    {
        var vectorSchema = await UseVectorSchemaAsync(connection, ct);
        await ExecuteAsync(connection, migration.For(vectorSchema ?? "public"), ct);
        await connection.Sql("insert into two_tower.migrations (version, name, checksum) values (@version, @name, @checksum)")
            .With("version", migration.Version).With("name", migration.Name).With("checksum", migration.Checksum).ExecuteAsync(ct);
    }

    // Whoever migrates is the likeliest to be allowed to; an embedder that finds no triggers tries again.
    private static Task<string?> FollowVideosAsync(NpgsqlConnection connection, CancellationToken ct) =>
        connection.Sql("select two_tower.follow_videos()").ScalarAsync<string>(ct);

    // Every time: functions that were replaced have lost their settings, and new ones are everybody's.
    private static Task<List<string>> SecureSupabaseAsync(NpgsqlConnection connection, CancellationToken ct) =>
        connection.Sql("select * from two_tower.secure_supabase()").ListAsync<string>(ct);

    private static void Verify(SortedDictionary<int, (string Name, string Checksum)> journal)
    {
        var known = SqlScript.Migrations.ToDictionary(migration => migration.Version);
        foreach (var (version, (name, checksum)) in journal)
        {
            if (!known.TryGetValue(version, out var migration))
            {
                throw new InputException(
                    $"The database has migration {name}, which this program doesn't know: it was migrated by a newer version. Use that one.");
            }

            if (migration.Checksum != checksum)
            {
                throw new InputException(
                    $"Migration {migration.Name} was edited after the database had it (as {name}, checksum {checksum[..12]}…, now {migration.Checksum[..12]}…). "
                    + "A migration that has landed is never edited: restore the file and put the change into a new one.");
            }
        }
    }

    private static async Task<SortedDictionary<int, (string Name, string Checksum)>> ReadJournalAsync(
        NpgsqlConnection connection, CancellationToken ct)
    {
        var journal = new SortedDictionary<int, (string Name, string Checksum)>();
        if (!await HasJournalAsync(connection, ct)) return journal;
        var entries = connection.Sql("select version, name, checksum from two_tower.migrations")
            .StreamAsync(row => (Version: row.Get<int>("version"), Entry: (row.Get<string>("name"), row.Get<string>("checksum"))), ct);
        await foreach (var (version, entry) in entries) journal.Add(version, entry);
        return journal;
    }

    private static Task<bool> HasJournalAsync(NpgsqlConnection connection, CancellationToken ct) =>
        connection.Sql("select to_regclass('two_tower.migrations') is not null").ScalarAsync<bool>(ct);

    /// <summary>Makes pgvector's types visible to the rest of the transaction; returns their schema, null before the extension is
    /// there.</summary>
    internal static async Task<string?> UseVectorSchemaAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        var schema = (await ServerCheck.ReadAsync(connection, ct)).VectorSchema;
        await ExecuteAsync(connection, $"set local search_path = public, {schema ?? "public"}, pg_catalog", ct);
        return schema;
    }

    internal static async Task LockAsync(NpgsqlConnection connection, long key, CancellationToken ct) =>
        await ExecuteAsync(connection, string.Create(CultureInfo.InvariantCulture, $"select pg_advisory_xact_lock({key})"), ct);

    internal static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken ct) =>
        await connection.Sql(sql).ExecuteAsync(ct);
}
