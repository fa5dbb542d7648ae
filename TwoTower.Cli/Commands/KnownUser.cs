using Npgsql;
using TwoTower.Core;
using TwoTower.Core.Formats;

namespace TwoTower.Cli.Commands;

/// <summary>A user that the database knows.</summary>
internal sealed record KnownUser(Guid Id, string? DisplayName)
{
    /// <summary>Name and id, for a person.</summary>
    public string Shown => DisplayName is { Length: > 0 } name ? $"{name} ({Id})" : Id.ToString();

    /// <summary>Finds a user by id (a profile or a decision is enough to be known) or by display name.</summary>
    /// <exception cref="InputException">Nobody, or more than one.</exception>
    public static async Task<KnownUser> FindAsync(NpgsqlDataSource db, string user, CancellationToken ct)
    {
        if (Uuid.TryParse(user, out var id)) return await ByIdAsync(db, id, ct);
        if (Guid.TryParse(user, out var other))
        {
            throw new InputException($"'{user}' is a user_id in a form that isn't taken: write it as {other}");
        }

        return await ByNameAsync(db, user, ct);
    }

    private static async Task<KnownUser> ByIdAsync(NpgsqlDataSource db, Guid id, CancellationToken ct)
    {
        await using var command = db.CreateCommand(
            """
            select (select display_name from profiles where user_id = $1)
            where exists (select from profiles where user_id = $1) or exists (select from user_video_decisions where user_id = $1)
            """);
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = id });
        await using var row = await command.ExecuteReaderAsync(ct);
        return await row.ReadAsync(ct)
            ? new(id, row.IsDBNull(0) ? null : row.GetString(0))
            : throw new InputException($"there is no user {id}: no profile and no decision has that user_id");
    }

    private static async Task<KnownUser> ByNameAsync(NpgsqlDataSource db, string name, CancellationToken ct)
    {
        await using var command = db.CreateCommand("select user_id, display_name from profiles where display_name = $1 order by user_id limit 4");
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = name });
        await using var row = await command.ExecuteReaderAsync(ct);
        var found = new List<KnownUser>();
        while (await row.ReadAsync(ct))
        {
            found.Add(new(row.GetGuid(0), row.GetString(1)));
        }

        return found switch
        {
            [var one] => one,
            [] => throw new InputException($"'{name}' is neither a user_id (a uuid) nor the display name of a user"),
            _ => throw new InputException($"several users are called '{name}': give the user_id, such as {string.Join(", ", found.Take(3).Select(user => user.Id))}"),
        };
    }
}
