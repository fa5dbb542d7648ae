using System.Security.Cryptography;
using TwoTower.Core.Rows;
using TwoTower.Evaluation.Queries;

namespace TwoTower.Evaluation.Live;

/// <summary>Which queries are asked of the live API.</summary>
internal static class LiveSample
{
    /// <summary>
    /// Draws queries in the order of a hash of user and split, so that the same ones are drawn whatever the model, and more of them with a
    /// larger number. Only who has a like at the moment of the request is drawn: the API answers others with what is popular, by no model.
    /// </summary>
    /// <param name="splits">The protocol's splits.</param>
    /// <param name="count">Queries wanted, over all splits together.</param>
    /// <returns>[splits] indices of queries, ascending.</returns>
    public static IReadOnlyList<IReadOnlyList<int>> Draw(IReadOnlyList<Split> splits, int count)
    {
        ArgumentNullException.ThrowIfNull(splits);
        var drawn = splits
            .SelectMany(
                (split, s) => split.Queries.Select((query, q) => (Split: s, Query: q, Of: query)).Where(one => HasLike(one.Of, split.AsOf)))
            .OrderBy(one => Order(one.Split, one.Of.History.UserId)).Take(count).ToLookup(one => one.Split, one => one.Query);
        return [.. splits.Select((_, s) => drawn[s].Order().ToList())];
    }

    private static bool HasLike(Query query, DateTimeOffset asOf) =>
        query.History.Entries.Any(entry => entry.Type == DecisionType.Like && entry.At <= asOf);

    private static string Order(int split, Guid user) =>
        Convert.ToHexString(SHA256.HashData([(byte)split, .. user.ToByteArray(bigEndian: true)]));
}
