using TwoTower.Core.Quality;
using TwoTower.Evaluation.Queries;
using TwoTower.Postgres.Serving;

namespace TwoTower.Evaluation.Evaluators;

/// <summary>Ranks what a model scored, and measures the ranking against what the user decided.</summary>
internal static class RankingMetrics
{
    /// <summary>Places of a ranking that are kept.</summary>
    public const int Kept = 100;

    private static readonly RecommendationOptions Serving = new();

    /// <summary>The result of one query.</summary>
    /// <param name="split">Where the query is from.</param>
    /// <param name="query">What was asked.</param>
    /// <param name="scores">[Items.Count] the model's.</param>
    /// <param name="reRank">True: the first few hundred are re-ranked as the API does it, and that score is the one that ranks.</param>
    public static QueryResult Measure(Split split, Query query, ReadOnlySpan<float> scores, bool reRank = false)
    {
        ArgumentNullException.ThrowIfNull(split);
        ArgumentNullException.ThrowIfNull(query);
        var ranking = Ranking.Top(scores, split.IsRanked, query, reRank ? Serving.Candidates(Kept) : Kept);
        if (reRank)
        {
            var reRanked = ReRanked(split, scores);
            ranking = [.. ranking.OrderByDescending(item => reRanked[item]).ThenBy(item => item).Take(Kept)];
            scores = reRanked;
        }

        return Measure(split, query, ranking, scores);
    }

    /// <summary>The result of a ranking that somebody else made.</summary>
    /// <param name="split">Where the query is from.</param>
    /// <param name="query">What was asked.</param>
    /// <param name="ranking">Items, best first.</param>
    /// <param name="scores">[Items.Count] the scores that rank.</param>
    public static QueryResult Measure(Split split, Query query, int[] ranking, ReadOnlySpan<float> scores)
    {
        ArgumentNullException.ThrowIfNull(split);
        ArgumentNullException.ThrowIfNull(query);
        ArgumentNullException.ThrowIfNull(ranking);
        var targets = query.Targets.ToHashSet();
        var shown = ranking.AsSpan(0, Math.Min(Metrics.Shown, ranking.Length));
        return new()
        {
            UserId = query.History.UserId,
            HistoryLikes = query.Likes.Length,
            HistoryDecisions = query.Likes.Length + query.Nopes.Length,
            Recall20 = Metrics.Recall(ranking, targets, 20),
            Recall50 = Metrics.Recall(ranking, targets, 50),
            Ndcg100 = Metrics.Ndcg(ranking, targets, 100),
            UAuc = Metrics.Auc(scores, query.Targets, query.HeldOutNopes),
            Nope20 = Metrics.Nopes(ranking, query.HeldOutNopes.ToHashSet(), 20),
            Diversity = split.Contents.Diversity(shown),
            Novelty = Metrics.Novelty(ranking, split.LikeCounts, split.TrainingUsers.Count),
            MakerShare = MakerShare(split, shown),
            RecallByPopularity = RecallByPopularity(split, ranking, query.Targets),
            Top = Pick(ranking, scores),
            Scores = (Values(query.Targets, scores), Values(query.HeldOutNopes, scores)),
        };
    }

    private static float[] ReRanked(Split split, ReadOnlySpan<float> scores)
    {
        var values = new float[scores.Length];
        for (var item = 0; item < values.Length; item++)
        {
            var video = split.Items[item];
            values[item] = (float)ReRanker.Score(scores[item], video.ProductReleasedAt, video.Price, split.AsOf);
        }

        return values;
    }

    private static double? MakerShare(Split split, ReadOnlySpan<int> shown)
    {
        var counts = new Dictionary<string, int>();
        foreach (var item in shown)
        {
            if (split.Items[item].Maker is { } maker) counts[maker] = counts.GetValueOrDefault(maker) + 1;
        }

        return counts.Count == 0 ? null : counts.Values.Max() / (double)shown.Length;
    }

    private static double?[] RecallByPopularity(Split split, int[] ranking, int[] targets)
    {
        var recalls = new double?[Buckets.Popularity.Count];
        foreach (var bucket in targets.GroupBy(item => split.PopularityBuckets[item])) recalls[bucket.Key] =
            Metrics.Recall(ranking, bucket.ToHashSet(), 20);
        return recalls;
    }

    private static (int, float)[] Pick(int[] ranking, ReadOnlySpan<float> scores)
    {
        var top = new (int, float)[ranking.Length];
        for (var place = 0; place < top.Length; place++) top[place] = (ranking[place], scores[ranking[place]]);
        return top;
    }

    private static float[] Values(int[] items, ReadOnlySpan<float> scores)
    {
        var values = new float[items.Length];
        for (var i = 0; i < values.Length; i++) values[i] = scores[items[i]];
        return values;
    }
}
