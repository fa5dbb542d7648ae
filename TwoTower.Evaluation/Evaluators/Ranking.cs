using TwoTower.Core.Quality;
using TwoTower.Evaluation.Queries;

namespace TwoTower.Evaluation.Evaluators;

/// <summary>The head of a ranking.</summary>
internal static class Ranking
{
    /// <summary>The <paramref name="count"/> highest scores among the items that are ranked and not in the history; ties by ascending index.</summary>
    /// <param name="scores">[items].</param>
    /// <param name="isRanked">[items].</param>
    /// <param name="query">Its history is left out.</param>
    /// <param name="count">How many at most.</param>
    public static int[] Top(ReadOnlySpan<float> scores, bool[] isRanked, Query query, int count)
    {
        ArgumentNullException.ThrowIfNull(isRanked);
        ArgumentNullException.ThrowIfNull(query);
        var isOut = new bool[scores.Length];
        foreach (var item in query.Likes) isOut[item] = true;
        foreach (var item in query.Nopes) isOut[item] = true;

        var head = new RankingHead(count);
        for (var item = 0; item < scores.Length; item++)
        {
            if (isRanked[item] && !isOut[item]) head.Offer(item, scores[item]);
        }

        return head.Take();
    }
}
