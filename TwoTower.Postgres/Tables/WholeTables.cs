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
    /// policy hides from this user.
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
            select string_agg(format('%I.%I', n.nspname, c.relname), ', ' order by c.relname) as tables, current_user::text as user_name
            from pg_class c join pg_namespace n on n.oid = c.relnamespace
            where n.nspname = 'public' and c.relkind in ('r', 'p') and c.relrowsecurity and c.relname = any (@tables) and row_security_active(c.oid)
            """)
            .With("tables", tables)
            .SingleAsync(row => new { Tables = row.GetOrNull<string>("tables"), User = row.Get<string>("user_name") }, ct);
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
