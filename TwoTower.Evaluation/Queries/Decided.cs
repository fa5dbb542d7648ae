using TwoTower.Core.Rows;

namespace TwoTower.Evaluation.Queries;

/// <summary>Decision rows by user, and what each user finally thinks of each video.</summary>
internal static class Decided
{
    /// <summary>The rows of each user, users in order of appearance.</summary>
    public static OrderedDictionary<Guid, List<DecisionRow>> ByUser(IEnumerable<DecisionRow> decisions)
    {
        ArgumentNullException.ThrowIfNull(decisions);
        var users = new OrderedDictionary<Guid, List<DecisionRow>>();
        foreach (var decision in decisions)
        {
            if (!users.TryGetValue(decision.UserId, out var rows)) users.Add(decision.UserId, rows = []);
            rows.Add(decision);
        }

        return users;
    }

    /// <summary>The latest decision of one user on each item; of equal times the later row. Videos that are no item are left out.</summary>
    public static Dictionary<int, DecisionRow> Latest(IEnumerable<DecisionRow> rows, IReadOnlyDictionary<Guid, int> itemOf)
    {
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentNullException.ThrowIfNull(itemOf);
        var latest = new Dictionary<int, DecisionRow>();
        foreach (var row in rows)
        {
            if (!itemOf.TryGetValue(row.VideoId, out var item)) continue;
            if (!latest.TryGetValue(item, out var before) || row.CreatedAt >= before.CreatedAt) latest[item] = row;
        }

        return latest;
    }

    /// <summary>The items that were decided so, ascending.</summary>
    public static int[] Of(IReadOnlyDictionary<int, DecisionRow> latest, DecisionType type) =>
        [.. latest.Where(pair => pair.Value.Type == type).Select(pair => pair.Key).Order()];
}
