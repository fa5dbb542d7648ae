using TwoTower.Core.Features;
using TwoTower.Core.Rows;
using TwoTower.Evaluation.Queries;

namespace TwoTower.Evaluation.Protocols;

/// <summary>Makes queries whose history holds what a live request would find for the user, and nothing that is held out.</summary>
internal sealed class QueryBuilder(IReadOnlyList<VideoRow> items, IEnumerable<ProfileRow> profiles, DateTimeOffset asOf)
{
    private readonly Dictionary<Guid, ProfileRow> _profiles = profiles.ToDictionary(profile => profile.UserId);

    /// <summary>The item of a video.</summary>
    public IReadOnlyDictionary<Guid, int> ItemOf { get; } =
        items.Select((video, item) => (video.Id, item)).ToDictionary(pair => pair.Id, pair => pair.item);

    /// <summary>A query.</summary>
    /// <param name="history">The user's rows; those on videos that are no item are left out.</param>
    /// <param name="targets">Held-out likes.</param>
    /// <param name="heldOutNopes">Held-out nopes.</param>
    public Query Build(Guid user, IEnumerable<DecisionRow> history, int[] targets, int[] heldOutNopes)
    {
        var rows = history.Where(row => ItemOf.ContainsKey(row.VideoId)).ToList();
        var latest = Decided.Latest(rows, ItemOf);
        return new(
            new(user, Profile(user), [.. rows.Select(Entry)]),
            Decided.Of(latest, DecisionType.Like), Decided.Of(latest, DecisionType.Nope), targets, heldOutNopes);
    }

    // Who came after the requests' moment is a visitor without a profile at that moment: no age below zero.
    private UserProfile Profile(Guid user) =>
        new(_profiles.GetValueOrDefault(user)?.CreatedAt is { } created && created <= asOf ? created : null);

    private HistoryEntry Entry(DecisionRow row)
    {
        var video = items[ItemOf[row.VideoId]];
        return new(row.VideoId, row.Type, row.CreatedAt, (double?)video.Price, video.Tags, video.Performers);
    }
}
