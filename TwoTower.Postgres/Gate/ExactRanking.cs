using System.Numerics.Tensors;
using TwoTower.Core.Quality;
using TwoTower.Postgres.Releases;

namespace TwoTower.Postgres.Gate;

/// <summary>
/// Ranks all items for every query by the exact cosine over a release's own vectors, streamed: memory is a batch of vectors and the head of
/// each ranking, whatever the size of the catalogue.
/// </summary>
internal static class ExactRanking
{
    /// <summary>The head of each query's ranking, best first, ties by ascending item.</summary>
    /// <param name="vectors">The release's vectors.</param>
    /// <param name="items">Items that are ranked, by video.</param>
    /// <param name="users">Row-major, [queries × dim], of length 1.</param>
    /// <param name="decided">[queries] items that aren't shown.</param>
    /// <param name="count">Length of a head at most.</param>
    public static async Task<int[][]> HeadsAsync(
        ReleaseVectors vectors, IReadOnlyDictionary<Guid, int> items, float[] users, IReadOnlyList<HashSet<int>> decided, int count,
        CancellationToken ct)
    {
        var dim = vectors.Release.EmbeddingDim;
        var heads = new RankingHead[decided.Count];
        for (var query = 0; query < heads.Length; query++) heads[query] = new(count);
        await foreach (var batch in vectors.ReadAsync(ct))
        {
            int[] item = [.. batch.VideoIds.Select(id => items.GetValueOrDefault(id, -1))];
            Parallel.For(0, heads.Length, new ParallelOptions { CancellationToken = ct }, query =>
            {
                var user = users.AsSpan(query * dim, dim);
                var head = heads[query];
                for (var row = 0; row < item.Length; row++)
                {
                    if (item[row] < 0) continue;
                    var score = TensorPrimitives.Dot(user, batch[row].Span);
                    if (head.Takes(item[row], score) && !decided[query].Contains(item[row])) head.Offer(item[row], score);
                }
            });
        }

        return [.. heads.Select(head => head.Take())];
    }
}
