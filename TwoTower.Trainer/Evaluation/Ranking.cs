namespace TwoTower.Trainer.Evaluation;

/// <summary>The head of a ranking.</summary>
public static class Ranking
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

        // A heap of the best so far whose root is the worst of them.
        var heap = new PriorityQueue<int, (float Score, int Item)>(count + 1, Worst);
        for (var item = 0; item < scores.Length; item++)
        {
            if (!isRanked[item] || isOut[item]) continue;
            if (heap.Count < count) heap.Enqueue(item, (scores[item], item));
            else heap.EnqueueDequeue(item, (scores[item], item));
        }

        var top = new int[heap.Count];
        for (var place = top.Length - 1; place >= 0; place--) top[place] = heap.Dequeue();
        return top;
    }

    // The one to give up first: the lower score, of equal ones the later item.
    private static readonly Comparer<(float Score, int Item)> Worst =
        Comparer<(float Score, int Item)>.Create((a, b) => a.Score.CompareTo(b.Score) is var order and not 0 ? order : b.Item.CompareTo(a.Item));
}
