using TwoTower.Core.Rows;

namespace TwoTower.Core.Quality;

/// <summary>
/// The users that no training ever sees, so that every release can be measured on somebody whom it hasn't learned from. A stable hash of
/// the id picks them (<see cref="UserShare"/>); those of a smaller share are among those of a larger one, so that two releases with
/// different shares still have users in common that neither has seen.
/// </summary>
internal static class HeldOutUsers
{
    /// <summary>The salt of their hash. Another one would hold out users whom the releases of today have learned from.</summary>
    public const string Salt = "held-out";

    /// <summary>True for a user whom trainings leave out.</summary>
    /// <param name="share">Recipe key <c>samples.held_out_users</c>, 0..1.</param>
    public static bool Contains(Guid userId, double share) => share > 0 && UserShare.Of(userId, Salt) < share;

    /// <summary>The tables without their profiles and decisions: neither samples, nor counts of likes, nor standardisers know of
    /// them.</summary>
    public static TableSet Without(TableSet tables, double share)
    {
        ArgumentNullException.ThrowIfNull(tables);
        if (share <= 0) return tables;
        var isOut = new Dictionary<Guid, bool>();
        return tables with
        {
            Profiles = [.. tables.Profiles.Where(profile => !IsOut(profile.UserId))],
            Decisions = [.. tables.Decisions.Where(decision => !IsOut(decision.UserId))],
        };

        // A user has hundreds of decisions: hash once.
        bool IsOut(Guid userId)
        {
            if (!isOut.TryGetValue(userId, out var known)) isOut.Add(userId, known = Contains(userId, share));
            return known;
        }
    }
}
