namespace TwoTower.Core.Quality;

/// <summary>The metrics of one ranking; definitions as in docs/evaluation.md, each a number of 0..1.</summary>
internal static class Metrics
{
    /// <summary>Items of a ranking that are looked at for diversity, novelty and coverage, and for nopes.</summary>
    public const int Shown = 20;

    /// <summary>Targets among the first k ÷ min(k, targets).</summary>
    public static double Recall(ReadOnlySpan<int> ranking, IReadOnlySet<int> targets, int k)
    {
        ArgumentNullException.ThrowIfNull(targets);
        return targets.Count == 0 ? throw new ArgumentException("A recall needs a target.", nameof(targets)) : (double)Hits(ranking, targets, k) / Math.Min(k, targets.Count);
    }

    /// <summary>Discounted gain of the targets among the first k (1 ÷ log2(place + 1)) ÷ that of min(k, targets) targets at the
    /// head.</summary>
    public static double Ndcg(ReadOnlySpan<int> ranking, IReadOnlySet<int> targets, int k)
    {
        ArgumentNullException.ThrowIfNull(targets);
        double gain = 0, ideal = 0;
        for (var place = 0; place < Math.Min(k, ranking.Length); place++)
        {
            if (targets.Contains(ranking[place])) gain += 1 / Math.Log2(place + 2);
        }

        for (var place = 0; place < Math.Min(k, targets.Count); place++) ideal += 1 / Math.Log2(place + 2);
        return gain / ideal;
    }

    /// <summary>Share of the first k places that show what the user noped.</summary>
    public static double Nopes(ReadOnlySpan<int> ranking, IReadOnlySet<int> nopes, int k) => (double)Hits(ranking, nopes, k) / k;

    /// <summary>P(a like scored above a nope), ties half; null without one of either.</summary>
    public static double? Auc(ReadOnlySpan<float> scores, ReadOnlySpan<int> likes, ReadOnlySpan<int> nopes)
    {
        if (likes.IsEmpty || nopes.IsEmpty) return null;
        double above = 0;
        foreach (var like in likes)
        {
            foreach (var nope in nopes)
            {
                above += scores[like] > scores[nope] ? 1 : scores[like] == scores[nope] ? 0.5 : 0;
            }
        }

        return above / ((double)likes.Length * nopes.Length);
    }

    /// <summary>Mean over the shown items of −log2(share of the training's users who liked it); an item without a like counts as with
    /// one.</summary>
    /// <param name="ranking">Items, best first.</param>
    /// <param name="likes">[items] likes in training.</param>
    /// <param name="users">Users in training.</param>
    public static double Novelty(ReadOnlySpan<int> ranking, int[] likes, int users)
    {
        ArgumentNullException.ThrowIfNull(likes);
        var shown = ranking[..Math.Min(Shown, ranking.Length)];
        if (shown.IsEmpty) return 0;
        double sum = 0;
        foreach (var item in shown) sum -= Math.Log2(Math.Max(1, likes[item]) / (double)users);
        return sum / shown.Length;
    }

    private static int Hits(ReadOnlySpan<int> ranking, IReadOnlySet<int> wanted, int k)
    {
        var hits = 0;
        foreach (var item in ranking[..Math.Min(k, ranking.Length)]) hits += wanted.Contains(item) ? 1 : 0;
        return hits;
    }
}
