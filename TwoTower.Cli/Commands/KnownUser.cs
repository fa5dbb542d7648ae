using Microsoft.EntityFrameworkCore;
using Npgsql;
using TwoTower.Core;
using TwoTower.Core.Formats;
using TwoTower.Postgres.Connections;
using TwoTower.Postgres.Entities;

namespace TwoTower.Cli.Commands;

/// <summary>A user that the database knows.</summary>
internal sealed record KnownUser(Guid Id, string? DisplayName, string? GivenId)
{
    /// <summary>Name and id, for a person.</summary>
    public string Shown => DisplayName is { Length: > 0 } name ? $"{name} ({(GivenId is null || GivenId == name ? "" : $"{GivenId}, ")}{Id})" : Id.ToString();

    /// <summary>Finds a user by id (a profile or a decision is enough to be known), by the number or text that an import made the id of, or
    /// by display name.</summary>
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
        await using var context = TwoTowerDb.Open(db);
        var profile = await context.Profiles.Where(row => row.UserId == id).Select(row => new { row.DisplayName }).FirstOrDefaultAsync(ct);
        return profile is not null || await context.UserVideoDecisions.AnyAsync(row => row.UserId == id, ct)
            ? new(id, profile?.DisplayName, await GivenAsync(db, id, ct))
            : throw new InputException($"there is no user {id}: no profile and no decision has that user_id");
    }

    private static async Task<KnownUser> ByNameAsync(NpgsqlDataSource db, string name, CancellationToken ct)
    {
        // Two sources may have had the same number for different users, and a user may be gone while their number is still there.
        var given = await db.Sql(
            """
            select user_id from two_tower.given_user_ids g
            where given_id = @name and (exists (select from public.profiles p where p.user_id = g.user_id)
              or exists (select from public.user_video_decisions d where d.user_id = g.user_id))
            order by user_id limit 4
            """).With("name", name).ListAsync<Guid>(ct);
        if (given is [var only]) return await ByIdAsync(db, only, ct);
        if (given.Count > 1)
        {
            throw new InputException($"several users have the id '{name}': give the user_id, such as {string.Join(", ", given.Take(3))}");
        }

        await using var context = TwoTowerDb.Open(db);
        var found = await context.Profiles.Where(row => row.DisplayName == name).OrderBy(row => row.UserId).Take(4)
            .Select(row => new KnownUser(row.UserId, row.DisplayName, null)).ToListAsync(ct);
        return found switch
        {
            [var one] => one with { GivenId = await GivenAsync(db, one.Id, ct) },
            [] => throw new InputException($"'{name}' is neither a user_id (a uuid), nor an id that an import made one of, nor the display name of a user"),
            _ => throw new InputException($"several users are called '{name}': give the user_id, such as {string.Join(", ", found.Take(3).Select(user => user.Id))}"),
        };
    }

    private static Task<string?> GivenAsync(NpgsqlDataSource db, Guid id, CancellationToken ct) =>
        db.Sql("select given_id from two_tower.given_user_ids where user_id = @id").With("id", id).ScalarAsync<string>(ct);
}
