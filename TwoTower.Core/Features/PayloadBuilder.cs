using TwoTower.Core.Configuration;
using TwoTower.Core.Rows;

namespace TwoTower.Core.Features;

/// <summary>
/// Computes payloads in process, from rows: <c>use_rpc_features = false</c>, and every history that isn't a user's in the database.
/// The SQL functions compute the same (contract, section 2).
/// </summary>
public static class PayloadBuilder
{
    /// <summary>The payload of a history; only decisions at or before <paramref name="asOf"/> count.</summary>
    public static UserPayload BuildUser(UserHistory history, DateTimeOffset asOf)
    {
        int likes = 0, nopes = 0;
        long hours = 0;
        DateTimeOffset? recent = null;
        List<double> prices = [];
        List<string> tags = [], performers = [];
        foreach (var entry in history.Entries)
        {
            if (entry.At > asOf) continue;
            if (entry.Type == DecisionType.Nope)
            {
                nopes++;
                continue;
            }

            likes++;
            hours += entry.At.UtcDateTime.Hour;
            if (recent is null || entry.At > recent) recent = entry.At;
            if (entry.Price is { } price) prices.Add(price);
            tags.AddRange(entry.Tags);
            performers.AddRange(entry.Performers);
        }

        return new(
            history.UserId,
            history.Profile,
            new(likes, nopes, likes + nopes, recent, likes == 0 ? 12.0 : hours / (double)likes),
            new(prices.Count == 0 ? 0 : prices.Average(), Median(prices)),
            tags,
            performers);
    }

    /// <summary>
    /// The payloads of every profile in table order, then of every user without a profile who has a decision, in order of appearance.
    /// </summary>
    /// <param name="asOf">Later decisions don't count.</param>
    /// <param name="maxDecisions">The latest decisions of a user that count (recipe key <c>features.max_decisions</c>).</param>
    public static IReadOnlyList<UserPayload> BuildUsers(
        TableSet tables, DateTimeOffset asOf, int maxDecisions = FeatureOptions.DefaultMaxDecisions) =>
        [.. Histories(tables).Select(history => BuildUser(history.Latest(asOf, maxDecisions), asOf))];

    /// <summary>The payload of every video in table order, also of inactive ones.</summary>
    public static IReadOnlyList<ItemPayload> BuildItems(TableSet tables) => [.. tables.Videos.Select(BuildItem)];

    /// <summary>The payload of a video.</summary>
    public static ItemPayload BuildItem(VideoRow video) => new(
        video.Id, (double?)video.Price, video.DurationSeconds, video.ProductReleasedAt, video.DistributionStartedAt,
        video.SafetyLevel, video.RegionCodes, video.Tags, video.Performers)
    {
        VideoFeatures = video.VideoFeatures.Count > 0 ? video.VideoFeatures : null,
    };

    /// <summary>
    /// The history of every profile in table order, then of every user without a profile who has a decision, in order of appearance.
    /// </summary>
    public static IEnumerable<UserHistory> Histories(TableSet tables)
    {
        var videos = tables.Videos.ToDictionary(video => video.Id);
        var byUser = new Dictionary<Guid, List<HistoryEntry>>();
        List<UserHistory> histories = [];
        foreach (var profile in tables.Profiles)
        {
            var entries = new List<HistoryEntry>();
            byUser.Add(profile.UserId, entries);
            histories.Add(new(profile.UserId, new(profile.CreatedAt), entries));
        }

        foreach (var decision in tables.Decisions)
        {
            if (!byUser.TryGetValue(decision.UserId, out var entries))
            {
                byUser.Add(decision.UserId, entries = []);
                histories.Add(new(decision.UserId, new(null), entries));
            }

            entries.Add(Entry(decision, videos.GetValueOrDefault(decision.VideoId)));
        }

        return histories;
    }

    private static HistoryEntry Entry(DecisionRow decision, VideoRow? video) => new(
        decision.VideoId, decision.Type, decision.CreatedAt, (double?)video?.Price, video?.Tags ?? [], video?.Performers ?? []);

    // The median of an even count is the mean of the middle two.
    private static double Median(List<double> values)
    {
        if (values.Count == 0) return 0;
        values.Sort();
        var middle = values.Count / 2;
        return values.Count % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
    }
}
