using System.Numerics.Tensors;
using TwoTower.Core.Rows;

namespace TwoTower.Core.Features;

/// <summary>
/// History vectors in memory, and the pooling of histories over them: what <c>two_tower.pooled_histories</c> does in SQL, for histories
/// that aren't rows of the database. Immutable and thread-safe.
/// </summary>
/// <param name="rowOf">Row of a video's vector.</param>
/// <param name="vectors">Row-major, [rows × 2 × half]: a liked and a noped half.</param>
/// <param name="half">Length of a half.</param>
public sealed class HistoryPool(IReadOnlyDictionary<Guid, int> rowOf, float[] vectors, int half)
{
    /// <summary>Pools a history; only decisions at or before <paramref name="asOf"/> count.</summary>
    public PooledHistory Pool(UserHistory history, DateTimeOffset asOf)
    {
        ArgumentNullException.ThrowIfNull(history);
        var latest = new Dictionary<int, HistoryEntry>();
        foreach (var entry in history.Entries)
        {
            if (entry.At > asOf || !rowOf.TryGetValue(entry.VideoId, out var row)) continue;
            // Of a like and a nope of the same moment the like counts, in SQL as here.
            if (!latest.TryGetValue(row, out var before) || entry.At > before.At
                || (entry.At == before.At && entry.Type == DecisionType.Like)) latest[row] = entry;
        }

        var (likes, nopes) = (0, 0);
        float[] liked = [], noped = [];
        // In order of the rows: a sum depends on its order.
        foreach (var (row, entry) in latest.OrderBy(pair => pair.Key))
        {
            if (entry.Type == DecisionType.Like) Add(ref liked, ref likes, row * 2 * half);
            else Add(ref noped, ref nopes, (row * 2 + 1) * half);
        }

        return new(likes, nopes, liked, noped);
    }

    private void Add(ref float[] sum, ref int count, int start)
    {
        if (sum.Length == 0) sum = new float[half];
        TensorPrimitives.Add(sum, vectors.AsSpan(start, half), sum);
        count++;
    }
}
