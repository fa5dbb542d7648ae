using TwoTower.Core.Rows;

namespace TwoTower.Core.Features;

/// <summary>
/// A history of decisions: what a user's features are a function of, with an as-of time. A user id is one way to get one; a session's
/// lists, a fold-in, or a history without its target are others.
/// </summary>
/// <param name="UserId">Whose it is; any id for a visitor.</param>
/// <param name="Entries">Decision rows, in any order.</param>
public sealed record UserHistory(Guid UserId, UserProfile Profile, IReadOnlyList<HistoryEntry> Entries)
{
    /// <summary>The latest decisions at or before a moment: what features are computed from, in SQL (<c>two_tower.user_payloads</c>) as
    /// here.</summary>
    /// <param name="asOf">The moment.</param>
    /// <param name="most">How many; recipe key <c>features.max_decisions</c>.</param>
    public UserHistory Latest(DateTimeOffset asOf, int most) => Entries.Count <= most || Entries.Count(entry => entry.At <= asOf) <= most
        ? this
        : this with
        {
            Entries = [.. Entries.Where(entry => entry.At <= asOf)
                .OrderByDescending(entry => entry.At).ThenBy(entry => entry.VideoId).ThenByDescending(entry => entry.Type).Take(most)],
        };
}

/// <summary>One decision with what is known of its video.</summary>
/// <param name="Type">Like or nope.</param>
/// <param name="Price">The video's price; null when unknown or the video doesn't exist.</param>
/// <param name="Tags">The video's tags; none when it doesn't exist.</param>
/// <param name="Performers">The video's performers; none when it doesn't exist.</param>
public readonly record struct HistoryEntry(
    Guid VideoId, DecisionType Type, DateTimeOffset At, double? Price, IReadOnlyList<string> Tags, IReadOnlyList<string> Performers);
