using System.Numerics.Tensors;
using TwoTower.Core.Releases;

namespace TwoTower.Core.Quality;

/// <summary>
/// Ranks all items for every query by the exact cosine over a release's own vectors, streamed: memory is a batch of vectors and the head of
/// each ranking, whatever the size of the catalogue.
/// </summary>
internal static class ExactRanking
{
    // The one to give up first: the lower score, of equal ones the later item.
    private static readonly Comparer<(float Score, int Item)> Worst =
        Comparer<(float Score, int Item)>.Create((a, b) => a.Score.CompareTo(b.Score) is var order and not 0 ? order : b.Item.CompareTo(a.Item));

    /// <summary>The head of each query's ranking, best first, ties by ascending item.</summary>
    /// <param name="vectors">The release's vectors.</param>
    /// <param name="items">Items that are ranked, by video.</param>
    /// <param name="users">Row-major, [queries × dim], of length 1.</param>
    /// <param name="decided">[queries] items that aren't shown.</param>
    /// <param name="count">Length of a head at most.</param>
    /// <param name="ct">Cancels.</param>
    public static async Task<int[][]> HeadsAsync(
        ReleaseVectors vectors, IReadOnlyDictionary<Guid, int> items, float[] users, IReadOnlyList<HashSet<int>> decided, int count, CancellationToken ct)
    {
        var dim = vectors.Release.EmbeddingDim;
        var heaps = new PriorityQueue<int, (float Score, int Item)>[decided.Count];
        for (var query = 0; query < heaps.Length; query++) heaps[query] = new(count + 1, Worst);
        await foreach (var batch in vectors.ReadAsync(ct).ConfigureAwait(false))
        {
            int[] item = [.. batch.VideoIds.Select(id => items.GetValueOrDefault(id, -1))];
            Parallel.For(0, heaps.Length, new ParallelOptions { CancellationToken = ct }, query =>
            {
                var user = users.AsSpan(query * dim, dim);
                var heap = heaps[query];
                for (var row = 0; row < item.Length; row++)
                {
                    if (item[row] < 0) continue;
                    var place = (Score: TensorPrimitives.Dot(user, batch[row].Span), Item: item[row]);
                    if (heap.Count == count && (!heap.TryPeek(out _, out var worst) || Worst.Compare(place, worst) < 0)) continue;
                    if (decided[query].Contains(place.Item)) continue;
                    if (heap.Count < count) heap.Enqueue(place.Item, place);
                    else heap.EnqueueDequeue(place.Item, place);
                }
            });
        }

        return [.. heaps.Select(heap =>
        {
            var head = new int[heap.Count];
            for (var place = head.Length - 1; place >= 0; place--) head[place] = heap.Dequeue();
            return head;
        })];
    }
}
