using System.Numerics.Tensors;

namespace TwoTower.Trainer.Evaluation.Baselines;

/// <summary>What iALS is fitted with; the defaults are the protocol's.</summary>
/// <param name="Dim">Length of a vector.</param>
/// <param name="Regularization">λ, scaled by frequency.</param>
/// <param name="UnobservedWeight">α0: what a pair without a like weighs; one with a like weighs 1 more.</param>
/// <param name="Epochs">Passes over both sides.</param>
public sealed record IalsOptions(int Dim = 128, double Regularization = 0.007, double UnobservedWeight = 0.1, int Epochs = 10);

/// <summary>
/// Implicit alternating least squares (Hu et al. 2008) as Rendle et al. 2022, "Revisiting the performance of iALS on item recommendation
/// benchmarks", write it: Σ over likes of (w·h − 1)² + α0 · Σ over all pairs of (w·h)² + λ · Σ over users and items of
/// (likes + α0 · size of the other side) · ‖·‖² (their ν = 1). Vectors begin as normal(0, .1 / √dim). A viewer that it
/// hasn't learned from is folded in: his normal equations are solved with the items as they are.
/// </summary>
public sealed class Ials : IScorer
{
    private const double InitialDeviation = 0.1;

    private readonly IalsOptions _options;
    private readonly float[] _items; // [items × dim]
    private readonly float[] _gram; // α0 · Σ h hᵀ, [dim × dim]
    private readonly NormalEquations _equations;

    private Ials(IalsOptions options, float[] items)
    {
        (_options, _items) = (options, items);
        _gram = Gram(items, options);
        _equations = new(options.Dim);
    }

    /// <summary>Alternates.</summary>
    public static Ials Fit(Split split, IalsOptions options, int seed, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(split);
        ArgumentNullException.ThrowIfNull(options);
        var likedBy = split.TrainingViewers.Select(viewer => viewer.Likes).Where(likes => likes.Length > 0).ToArray();
        var likersOf = Transpose(likedBy, split.Items.Count);
        var random = new SeededRandom(seed, RandomPurpose.Baselines);
        var users = Normal(likedBy.Length * options.Dim, InitialDeviation / Math.Sqrt(options.Dim), random);
        var items = Normal(likersOf.Length * options.Dim, InitialDeviation / Math.Sqrt(options.Dim), random);
        for (var epoch = 0; epoch < options.Epochs; epoch++)
        {
            SolveSide(users, items, likedBy, options, ct);
            SolveSide(items, users, likersOf, options, ct);
        }

        return new(options, items);
    }

    /// <inheritdoc/>
    public void Score(Query query, Span<float> scores)
    {
        ArgumentNullException.ThrowIfNull(query);
        var user = new float[_options.Dim];
        SolveOne(user, _items, query.Likes, _gram, _options, _equations);
        for (var item = 0; item < scores.Length; item++) scores[item] = TensorPrimitives.Dot<float>(user, _items.AsSpan(item * _options.Dim, _options.Dim));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    private static void SolveSide(float[] side, float[] other, int[][] liked, IalsOptions options, CancellationToken ct)
    {
        var gram = Gram(other, options);
        var dim = options.Dim;
        Parallel.For(0, liked.Length, new() { CancellationToken = ct }, () => new NormalEquations(dim), (row, _, equations) =>
        {
            SolveOne(side.AsSpan(row * dim, dim), other, liked[row], gram, options, equations);
            return equations;
        }, _ => { });
    }

    // (Σ over likes of h hᵀ + α0 · Σ over all of h hᵀ + λ · (likes + α0 · all) · I) w = Σ over likes of h
    private static void SolveOne(Span<float> w, float[] other, int[] liked, float[] gram, IalsOptions options, NormalEquations equations)
    {
        var dim = options.Dim;
        var size = other.Length / dim;
        equations.Start(gram, (float)(options.Regularization * (liked.Length + options.UnobservedWeight * size)));
        w.Clear();
        foreach (var index in liked)
        {
            var h = other.AsSpan(index * dim, dim);
            equations.Add(h);
            TensorPrimitives.Add(w, h, w);
        }

        equations.Solve(w);
    }

    private static float[] Gram(float[] vectors, IalsOptions options)
    {
        var dim = options.Dim;
        var gram = new float[dim * dim];
        for (var start = 0; start < vectors.Length; start += dim)
        {
            var vector = vectors.AsSpan(start, dim);
            for (var i = 0; i < dim; i++)
            {
                var row = gram.AsSpan(i * dim, dim);
                TensorPrimitives.MultiplyAdd(vector, vector[i], row, row);
            }
        }

        TensorPrimitives.Multiply(gram, (float)options.UnobservedWeight, gram);
        return gram;
    }

    private static int[][] Transpose(int[][] likedBy, int items)
    {
        var likers = Enumerable.Range(0, items).Select(_ => new List<int>()).ToArray();
        for (var user = 0; user < likedBy.Length; user++)
        {
            foreach (var item in likedBy[user]) likers[item].Add(user);
        }

        return [.. likers.Select(users => users.ToArray())];
    }

    // Box and Muller.
    private static float[] Normal(int count, double deviation, SeededRandom random)
    {
        var values = new float[count];
        for (var i = 0; i < count; i++)
        {
            values[i] = (float)(deviation * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));
        }

        return values;
    }
}
