using Npgsql;
using TwoTower.Postgres.Connections;

namespace TwoTower.Supabase.Import;

/// <summary>How far a database has imported each source: with the rows, in the database itself, so that a new one begins at the
/// beginning.</summary>
internal sealed class ImportMarks(NpgsqlDataSource db)
{
    /// <summary>The latest decision of the last import; null: there was none.</summary>
    public Task<DateTimeOffset?> ReadAsync(string source, CancellationToken ct) =>
        db.Sql("select decisions_until from two_tower.supabase_imports where source = @source").With("source", source).ScalarAsync<DateTimeOffset?>(ct);

    /// <summary>Records an import.</summary>
    public Task WriteAsync(string source, DateTimeOffset? until, CancellationToken ct) =>
        db.Sql("""
            insert into two_tower.supabase_imports (source, decisions_until) values (@source, @until)
            on conflict (source) do update set decisions_until = excluded.decisions_until, imported_at = now()
            """).With("source", source).With("until", until).ExecuteAsync(ct);
}
