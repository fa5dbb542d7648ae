using Npgsql;
using TwoTower.Core;
using TwoTower.Postgres.Connections;

namespace TwoTower.Postgres.Tables;

/// <summary>Transactions that read or write whole tables.</summary>
internal static class WholeTables
{
    /// <summary>What tells of videos.</summary>
    public static readonly string[] Catalogue = ["videos", "video_tags", "tags", "video_performers", "performers"];

    /// <summary>All public tables that are read.</summary>
    public static readonly string[] All = ["profiles", .. Catalogue, "user_video_decisions"];

    /// <summary>
    /// Takes as long as it takes, whatever statement_timeout says; writes times in UTC; and fails instead of leaving out the rows that a
    /// policy hides from this user. A policy that is "true" for this user hides none.
    /// </summary>
    /// <exception cref="InputException">Row-level security hides rows of a table.</exception>
    public static Task BeginAsync(NpgsqlConnection connection, CancellationToken ct) => BeginAsync(connection, All, ct);

    /// <summary>The same for some of the tables.</summary>
    /// <exception cref="InputException">Row-level security hides rows of one of them.</exception>
    public static async Task BeginAsync(NpgsqlConnection connection, string[] tables, CancellationToken ct)
    {
        await Staging.ExecuteAsync(
            connection, "set local statement_timeout = 0; set local row_security = off; set local timezone = 'UTC'; set local datestyle = 'ISO'", ct);
        var hidden = await connection.Sql(
            """
            with active as
              (select n.nspname, c.relname,
                 exists (select from pg_policy p
                   where p.polrelid = c.oid and p.polcmd in ('r', '*') and p.polpermissive and pg_get_expr(p.polqual, p.polrelid) = 'true'
                     and (0 = any (p.polroles) or exists (select from unnest(p.polroles) as r where pg_has_role(r, 'usage'))))
                 and not exists (select from pg_policy p where p.polrelid = c.oid and p.polcmd in ('r', '*') and not p.polpermissive) as sees_all
               from pg_class c join pg_namespace n on n.oid = c.relnamespace
               where n.nspname = 'public' and c.relkind in ('r', 'p') and c.relrowsecurity and c.relname = any (@tables)
                 and row_security_active(c.oid))
            select count(*) filter (where sees_all) > 0 as sees_by_policy, current_user::text as user_name,
              string_agg(format('%I.%I', nspname, relname), ', ' order by relname) filter (where not sees_all) as tables
            from active
            """)
            .With("tables", tables)
            .SingleAsync(
                row => new
                {
                    Tables = row.GetOrNull<string>("tables"),
                    SeesByPolicy = row.Get<bool>("sees_by_policy"),
                    User = row.Get<string>("user_name")
                }, ct);

        // With row_security off the server errs at any policy, at one that is "true" as well.
        if (hidden is { Tables: null, SeesByPolicy: true }) await Staging.ExecuteAsync(connection, "set local row_security = on", ct);
        if (hidden.Tables is null) return;
        throw new InputException(
            $"Row-level security hides rows of {hidden.Tables} from user '{hidden.User}', so only a part of them would be read. "
            + $"Use the tables' owner or a user with bypassrls: alter role \"{hidden.User}\" bypassrls");
    }

    /// <summary>Work in a transaction that has begun so.</summary>
    /// <exception cref="InputException">Row-level security hides rows of one of the tables.</exception>
    public static Task<T> ReadAsync<T>(NpgsqlDataSource db, string[] tables, Func<NpgsqlConnection, Task<T>> work, CancellationToken ct) =>
        db.InTransactionAsync(async connection =>
        {
            await BeginAsync(connection, tables, ct);
            return await work(connection);
        }, ct);

    /// <summary>Work in a transaction whose statements take as long as they take, whatever statement_timeout says.</summary>
    public static Task<T> UntimedAsync<T>(NpgsqlDataSource db, Func<NpgsqlConnection, Task<T>> work, CancellationToken ct) =>
        db.InTransactionAsync(async connection =>
        {
            await UntimeAsync(connection, ct);
            return await work(connection);
        }, ct);

    /// <summary>The same for a transaction that is there.</summary>
    public static Task UntimeAsync(NpgsqlConnection connection, CancellationToken ct) =>
        Staging.ExecuteAsync(connection, "set local statement_timeout = 0", ct);
}
