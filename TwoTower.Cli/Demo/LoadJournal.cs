using Npgsql;
using TwoTower.Postgres.Connections;

namespace TwoTower.Cli.Demo;

/// <summary>What was loaded into a database, in the database itself: <c>two_tower.loads</c>.</summary>
internal sealed class LoadJournal(NpgsqlDataSource db)
{
    /// <summary>When data with this fingerprint was loaded completely; null when it wasn't.</summary>
    public Task<DateTimeOffset?> FindAsync(string fingerprint, CancellationToken ct) =>
        db.Sql("select loaded_at from two_tower.loads where fingerprint = @fingerprint")
            .With("fingerprint", fingerprint).ScalarAsync<DateTimeOffset?>(ct);

    /// <summary>Whether the database holds rows that no load with this fingerprint brought.</summary>
    public Task<bool> HoldsOtherDataAsync(string fingerprint, CancellationToken ct) => db.Sql(
        """
        select exists (select from two_tower.loads where fingerprint <> @fingerprint)
            or (not exists (select from two_tower.loads) and (exists (select from videos) or exists (select from profiles)))
        """)
        .With("fingerprint", fingerprint).ScalarAsync<bool>(ct);

    /// <summary>Notes that a load begins.</summary>
    public Task BeginAsync(string fingerprint, string description, CancellationToken ct) => db.Sql(
        """
        insert into two_tower.loads (fingerprint, description) values (@fingerprint, @description)
        on conflict (fingerprint) do update
        set description = excluded.description, begun_at = excluded.begun_at, loaded_at = null
        """)
        .With("fingerprint", fingerprint).With("description", description).ExecuteAsync(ct);

    /// <summary>Notes that all rows of a load are there.</summary>
    public Task EndAsync(string fingerprint, CancellationToken ct) =>
        db.Sql("update two_tower.loads set loaded_at = clock_timestamp() where fingerprint = @fingerprint")
            .With("fingerprint", fingerprint).ExecuteAsync(ct);
}
