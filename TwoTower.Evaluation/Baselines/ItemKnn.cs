using TwoTower.Evaluation.Models;
using TwoTower.Evaluation.Queries;

namespace TwoTower.Evaluation.Baselines;

/// <summary>
/// Item-based neighbours (Sarwar et al. 2001, "Item-based collaborative filtering recommendation algorithms"): an item keeps the items whose
/// likers overlap most with its own by cosine, and scores the sum of the cosines of those of them that the user likes.
/// </summary>
internal sealed class ItemKnn : IScorer
{
    /// <summary>Neighbours kept of an item.</summary>
    public const int DefaultNeighbours = 100;

    private readonly (int Item, float Cosine)[][] _neighbours;

    private ItemKnn((int, float)[][] neighbours) => _neighbours = neighbours;

    /// <summary>Finds the neighbours.</summary>
    public static ItemKnn Fit(Split split, int neighbours, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(split);
        var likes = split.LikeCounts;
        var coLikes = new CoLikes(split);
        var found = new (int, float)[likes.Length][];
        Parallel.For(0, likes.Length, new() { CancellationToken = ct }, () => new float[likes.Length], (item, _, counts) =>
        {
            coLikes.Row(item, counts);
            found[item] =
            [
                .. Enumerable.Range(0, counts.Length).Where(other => other != item && counts[other] > 0)
                    .Select(other => (other, counts[other] / MathF.Sqrt((float)likes[item] * likes[other])))
                    .OrderByDescending(pair => pair.Item2).ThenBy(pair => pair.other).Take(neighbours),
            ];
            return counts;
        }, _ => { });
        return new(found);
    }

    /// <inheritdoc/>
    public void Score(Query query, Span<float> scores)
    {
        ArgumentNullException.ThrowIfNull(query);
        var liked = new bool[scores.Length];
        foreach (var item in query.Likes) liked[item] = true;
        for (var item = 0; item < scores.Length; item++)
        {
            var sum = 0f;
            foreach (var (other, cosine) in _neighbours[item]) sum += liked[other] ? cosine : 0;
            scores[item] = sum;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}
