using TwoTower.Evaluation.Models;
using TwoTower.Evaluation.Queries;
using TwoTower.Training.Factors;

namespace TwoTower.Evaluation.Baselines;

/// <summary>
/// EASE (Steck 2019, "Embarrassingly shallow autoencoders for sparse data"): the linear item-item model B that best reproduces each
/// user's likes from the user's other likes, in closed form. With G = XᵀX + λI and P = G⁻¹, B = I − P · diag(1 / diag P), its diagonal
/// zero. A score is the sum of B's rows of the user's likes.
/// </summary>
internal sealed class Ease : IScorer
{
    /// <summary>λ as the protocol has it.</summary>
    public const double DefaultLambda = 500;

    /// <summary>Items at most. It has items² floats, and as much again while inverting: 20,000 items are 3.2 GB.</summary>
    public const int MostItems = 20_000;

    private readonly float[] _weights; // [items × items], row-major

    private Ease(float[] weights) => _weights = weights;

    /// <summary>Solves for B.</summary>
    /// <exception cref="ArgumentOutOfRangeException">More than <see cref="MostItems"/>.</exception>
    public static Ease Fit(Split split, double lambda, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(split);
        var coLikes = new CoLikes(split);
        var n = coLikes.ItemCount;
        ArgumentOutOfRangeException.ThrowIfGreaterThan(n, MostItems);
        var gram = new float[n * n];
        Parallel.For(0, n, new() { CancellationToken = ct }, item =>
        {
            var row = gram.AsSpan(item * n, n);
            coLikes.Row(item, row);
            row[item] += (float)lambda;
        });
        ct.ThrowIfCancellationRequested();
        PositiveDefinite.Invert(gram, n);
        var diagonal = new float[n];
        for (var item = 0; item < n; item++) diagonal[item] = gram[item * n + item];
        for (var row = 0; row < n; row++)
        {
            var weights = gram.AsSpan(row * n, n);
            for (var column = 0; column < n; column++) weights[column] /= -diagonal[column];
            weights[row] = 0;
        }

        return new(gram);
    }

    /// <inheritdoc/>
    public void Score(Query query, Span<float> scores)
    {
        ArgumentNullException.ThrowIfNull(query);
        scores.Clear();
        foreach (var item in query.Likes)
        {
            System.Numerics.Tensors.TensorPrimitives.Add(scores, _weights.AsSpan(item * scores.Length, scores.Length), scores);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}
