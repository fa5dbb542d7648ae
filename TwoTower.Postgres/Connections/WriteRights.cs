using Npgsql;
using TwoTower.Core;

namespace TwoTower.Postgres.Connections;

/// <summary>Whether a user may write what long work ends with: asked before the work, not after it.</summary>
internal static class WriteRights
{
    private static readonly string[] ReleaseTables = ["two_tower.releases", "two_tower.release_files", "two_tower.release_transitions"];

    /// <summary>Requires the right to register releases.</summary>
    /// <exception cref="InputException">The user may only read, or the server takes no writes.</exception>
    public static async Task RequireReleasesAsync(NpgsqlDataSource db, CancellationToken ct)
    {
        try
        {
            var rights = await db.Sql(
                """
                select current_user::text as user_name, current_database()::text as database,
                  current_setting('transaction_read_only') = 'on' as is_read_only,
                  has_schema_privilege(to_regnamespace('two_tower'), 'usage') as may_use,
                  (select array_agg(t.name) from unnest(@tables) as t (name)
                   where to_regclass(t.name) is not null and not has_table_privilege(to_regclass(t.name), 'insert')) as missing
                """)
                .With("tables", ReleaseTables)
                .SingleAsync(row => new
                {
                    User = row.Get<string>("user_name"),
                    Database = row.Get<string>("database"),
                    IsReadOnly = row.Get<bool>("is_read_only"),
                    MayUse = row.Get<bool?>("may_use"),
                    Missing = row.GetOrNull<string[]>("missing") ?? [],
                }, ct);
            var (user, database, missing) = (rights.User, rights.Database, rights.Missing);
            if (rights.IsReadOnly)
            {
                throw new InputException(
                    $"Database '{database}' takes no writes from user '{user}' (transaction_read_only is on: a standby, or a setting of the user or the database), "
                    + "and a training ends by registering a release. Name the primary server, or a user that may write.");
            }

            if (missing.Length > 0 || rights.MayUse == false)
            {
                throw new InputException(
                    $"User '{user}' may not register a release in database '{database}', with which a training ends: it lacks the right to insert into "
                    + $"{string.Join(", ", missing.Length > 0 ? missing : ReleaseTables)}. Use the owner of the schema two_tower, or let the owner run: "
                    + $"grant usage on schema two_tower to \"{user}\"; grant select, insert, update on all tables in schema two_tower to \"{user}\"");
            }
        }
        catch (Exception error) when (DatabaseErrors.Explain(error, db) is { } explained)
        {
            throw explained;
        }
    }
}
