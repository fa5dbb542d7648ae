using TwoTower.Core.Rows;

namespace TwoTower.Evaluation.Queries;

/// <summary>Decision rows by viewer, and what each viewer finally thinks of each video.</summary>
public static class Decided
{
    /// <summary>The rows of each viewer, viewers in order of appearance.</summary>
    public static OrderedDictionary<Guid, List<DecisionRow>> ByViewer(IEnumerable<DecisionRow> decisions)
    {
        ArgumentNullException.ThrowIfNull(decisions);
        var viewers = new OrderedDictionary<Guid, List<DecisionRow>>();
        foreach (var decision in decisions)
        {
            if (!viewers.TryGetValue(decision.UserId, out var rows)) viewers.Add(decision.UserId, rows = []);
            rows.Add(decision);
        }

        return viewers;
    }

    /// <summary>The latest decision of one viewer on each item; of equal times the later row. Videos that are no item are left out.</summary>
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
