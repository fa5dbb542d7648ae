namespace TwoTower.Core.Quality;

/// <summary>The best of the items that were offered, in a heap whose root is the worst of them: higher scores first, ties by ascending
/// item.</summary>
/// <param name="count">Items kept at most.</param>
internal sealed class RankingHead(int count)
{
    // The one to give up first: the lower score, of equal ones the later item.
    private static readonly Comparer<(float Score, int Item)> Worst =
        Comparer<(float Score, int Item)>.Create(
            (a, b) => a.Score.CompareTo(b.Score) is var order and not 0 ? order : b.Item.CompareTo(a.Item));

    private readonly PriorityQueue<int, (float Score, int Item)> _heap = new(count + 1, Worst);

    /// <summary>True when an item of this score would be among the best so far.</summary>
    public bool Takes(int item, float score) =>
        _heap.Count < count || (_heap.TryPeek(out _, out var worst) && Worst.Compare((score, item), worst) > 0);

    /// <summary>Keeps an item if it is among the best so far.</summary>
    public void Offer(int item, float score)
    {
        if (!Takes(item, score)) return;
        if (_heap.Count < count) _heap.Enqueue(item, (score, item));
        else _heap.EnqueueDequeue(item, (score, item));
    }

    /// <summary>The items kept, best first. The head is empty afterwards.</summary>
    public int[] Take()
    {
        var items = new int[_heap.Count];
        for (var place = items.Length - 1; place >= 0; place--) items[place] = _heap.Dequeue();
        return items;
    }
}
