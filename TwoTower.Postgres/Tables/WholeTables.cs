using Npgsql;
using TwoTower.Core;
using TwoTower.Postgres.Connections;

namespace TwoTower.Postgres.Tables;

/// <summary>Settings of a transaction that reads or writes whole tables.</summary>
internal static class WholeTables
{
    /// <summary>
    /// Takes as long as it takes, whatever statement_timeout says; writes times in UTC; and fails instead of leaving out the rows that a
    /// policy hides from this user.
    /// </summary>
    /// <exception cref="InputException">Row-level security hides rows of a table.</exception>
    public static async Task BeginAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        await Staging.ExecuteAsync(
            connection, "set local statement_timeout = 0; set local row_security = off; set local timezone = 'UTC'; set local datestyle = 'ISO'", ct);
        var hidden = await connection.Sql(
            """
            select string_agg(format('%I.%I', n.nspname, c.relname), ', ' order by c.relname) as tables, current_user::text as user_name
            from pg_class c join pg_namespace n on n.oid = c.relnamespace
            where n.nspname = 'public' and c.relkind in ('r', 'p') and c.relrowsecurity
              and c.relname in ('profiles', 'videos', 'video_tags', 'tags', 'video_performers', 'performers', 'user_video_decisions')
              and row_security_active(c.oid)
            """)
            .SingleAsync(row => new { Tables = row.GetOrNull<string>("tables"), User = row.Get<string>("user_name") }, ct);
        if (hidden.Tables is null) return;
        throw new InputException(
            $"Row-level security hides rows of {hidden.Tables} from user '{hidden.User}', so only a part of them would be read. "
            + $"Use the tables' owner or a user with bypassrls: alter role \"{hidden.User}\" bypassrls");
    }
}
