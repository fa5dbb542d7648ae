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
            await using var command = db.CreateCommand(
                """
                select current_user::text, current_database()::text, current_setting('transaction_read_only') = 'on',
                  has_schema_privilege(to_regnamespace('two_tower'), 'usage'),
                  (select array_agg(t.name) from unnest($1) as t (name)
                   where to_regclass(t.name) is not null and not has_table_privilege(to_regclass(t.name), 'insert'))
                """);
            command.Parameters.Add(new() { Value = ReleaseTables });
            await using var reader = await command.ExecuteReaderAsync(ct);
            await reader.ReadAsync(ct);
            var (user, database) = (reader.GetString(0), reader.GetString(1));
            if (reader.GetBoolean(2))
            {
                throw new InputException(
                    $"Database '{database}' takes no writes from user '{user}' (transaction_read_only is on: a standby, or a setting of the user or the database), "
                    + "and a training ends by registering a release. Name the primary server, or a user that may write.");
            }

            var missing = reader.IsDBNull(4) ? [] : reader.GetFieldValue<string[]>(4);
            if (missing.Length > 0 || (!reader.IsDBNull(3) && !reader.GetBoolean(3)))
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
