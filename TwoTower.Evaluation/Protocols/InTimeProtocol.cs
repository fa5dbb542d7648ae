using TwoTower.Core;
using TwoTower.Core.Rows;
using TwoTower.Evaluation.Queries;

namespace TwoTower.Evaluation.Protocols;

/// <summary>
/// The future from the past: cuts through the time of all decisions; a model learns what came before a cut, and is asked for the likes
/// after it from each user's history before it.
/// </summary>
internal static class InTimeProtocol
{
    /// <summary>Shares of the decisions that come before the cuts, per cent.</summary>
    public static readonly IReadOnlyList<int> Cuts = [50, 60, 70, 80, 90];

    /// <summary>Likes after the cut that count as targets, at most.</summary>
    public const int MostTargets = 20;

    /// <summary>Splits a data set at every cut.</summary>
    /// <exception cref="InputException">A cut has nothing before it or nobody after it; says what to do.</exception>
    public static IReadOnlyList<Split> Create(TableSet tables)
    {
        ArgumentNullException.ThrowIfNull(tables);
        var numbers = new Numbering(tables);
        var inOrder = tables.Decisions.OrderBy(row => row.CreatedAt).ToList();
        return [.. Cuts.Select(percent => Create(tables, numbers, inOrder, percent))];
    }

    private static Split Create(TableSet tables, Numbering numbers, List<DecisionRow> inOrder, int percent)
    {
        // The cut is a moment: decisions of one moment are never on both sides.
        var cut = inOrder.Count == 0 ? default : inOrder[(int)((long)inOrder.Count * percent / 100)].CreatedAt;
        var before = inOrder.TakeWhile(row => row.CreatedAt < cut).ToList();
        var items = numbers.Liked(tables.Videos, before);
        if (items.Count == 0)
        {
            throw new InputException(
                $"no video has a like before the cut at {percent} % of the {inOrder.Count} decisions: the time protocol needs decisions at different times; "
                + "give other data or another --protocol");
        }

        var known = items.Select(video => video.Id).ToHashSet();
        var decisions = before.Where(row => known.Contains(row.VideoId)).ToList();
        var asOf = decisions.Max(row => row.CreatedAt);
        var builder = new QueryBuilder(items, tables.Profiles, asOf);
        var histories = Decided.ByUser(decisions);
        List<Query> queries = [];
        foreach (var (user, rows) in Decided.ByUser(inOrder.Skip(before.Count)))
        {
            var history = histories.GetValueOrDefault(user) ?? [];
            var seen = history.Select(row => row.VideoId).ToHashSet();
            var (targets, nopes) = Next(rows.Where(row => !seen.Contains(row.VideoId)), builder.ItemOf);
            if (targets.Length > 0) queries.Add(builder.Build(user, history, targets, nopes));
        }

        return queries.Count == 0
            ? throw new InputException($"nobody likes a known video after the cut at {percent} % of the {inOrder.Count} decisions: give more data or another --protocol")
            : new($"time {percent} %", tables with { Videos = items, Decisions = decisions }, items, [.. items.Select(_ => true)], queries, asOf);
    }

    // The next likes in order of time, and the nopes until the last of them; what was decided first counts.
    private static (int[] Targets, int[] Nopes) Next(IEnumerable<DecisionRow> rows, IReadOnlyDictionary<Guid, int> itemOf)
    {
        var decided = new HashSet<int>();
        List<int> targets = [], nopes = [];
        var until = 0;
        foreach (var row in rows)
        {
            if (targets.Count == MostTargets) break;
            if (!itemOf.TryGetValue(row.VideoId, out var item) || !decided.Add(item)) continue;
            if (row.Type == DecisionType.Nope)
            {
                nopes.Add(item);
                continue;
            }

            targets.Add(item);
            until = nopes.Count;
        }

        return ([.. targets], [.. nopes.Take(until)]);
    }
}
