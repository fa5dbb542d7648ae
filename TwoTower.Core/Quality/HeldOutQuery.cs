using TwoTower.Core.Features;
using TwoTower.Core.Rows;

namespace TwoTower.Core.Quality;

/// <summary>One question that a release is measured by: what a user had decided up to a moment, and what the user liked from then
/// on.</summary>
/// <param name="History">The decisions up to the moment, without any of a target.</param>
/// <param name="AsOf">The moment: the first held-out like.</param>
/// <param name="Targets">Videos liked from then on, the user's latest fifth.</param>
/// <param name="Nopes">Videos noped, and never liked, from then on.</param>
internal sealed record HeldOutQuery(UserHistory History, DateTimeOffset AsOf, IReadOnlyList<Guid> Targets, IReadOnlyList<Guid> Nopes)
{
    /// <summary>Likes that a user needs to be asked about.</summary>
    public const int MinLikes = 5;

    /// <summary>Targets of a user at most: a request is for the next evening, not for the next year.</summary>
    public const int MaxTargets = 20;

    /// <summary>
    /// Splits a user's decisions. The likes are ordered by time, of equal times by video id, a video counting at its first like; the last
    /// fifth of them, one at least, are the targets. The rule depends on the rows alone, so that two releases are asked the same.
    /// </summary>
    /// <param name="profile">The user's profile.</param>
    /// <param name="rows">All decisions in any order; <c>Exists</c>: there is such a video.</param>
    /// <returns>Null with too few likes.</returns>
    public static HeldOutQuery? Split(Guid userId, UserProfile profile, IReadOnlyList<(HistoryEntry Entry, bool Exists)> rows)
    {
        ArgumentNullException.ThrowIfNull(rows);
        var likes = rows.Where(row => row is { Exists: true, Entry.Type: DecisionType.Like }).Select(row => row.Entry)
            .OrderBy(entry => entry.At).ThenBy(entry => entry.VideoId).DistinctBy(entry => entry.VideoId).ToList();
        if (likes.Count < MinLikes) return null;
        var held = likes.TakeLast(Math.Clamp(likes.Count / 5, 1, MaxTargets)).ToList();
        var asOf = held[0].At;
        var targets = held.Select(entry => entry.VideoId).ToHashSet();
        var history = rows.Select(row => row.Entry).Where(entry => entry.At <= asOf && !targets.Contains(entry.VideoId)).ToList();
        var decided = history.Select(entry => entry.VideoId).Concat(likes.Select(entry => entry.VideoId)).ToHashSet();
        var nopes =
            rows.Where(row => row.Exists && !decided.Contains(row.Entry.VideoId)).Select(row => row.Entry.VideoId).Distinct().Order();
        return new(new(userId, profile, history), asOf, [.. held.Select(entry => entry.VideoId)], [.. nopes]);
    }
}
