using System.Numerics.Tensors;
using TwoTower.Training.Randomness;

namespace TwoTower.Training.Factors;

/// <summary>What the factors are fitted with.</summary>
/// <param name="Dim">Length of a vector.</param>
/// <param name="Regularization">λ, scaled by frequency.</param>
/// <param name="UnobservedWeight">α0: what a pair without a like weighs; one with a like weighs 1 more.</param>
/// <param name="Epochs">Passes over both sides.</param>
internal sealed record IalsOptions(int Dim = 128, double Regularization = 0.007, double UnobservedWeight = 0.1, int Epochs = 10);

/// <summary>
/// Implicit alternating least squares (Hu et al. 2008) as Rendle et al. 2022, "Revisiting the performance of iALS on item recommendation
/// benchmarks", write it: Σ over likes of (w·h − 1)² + α0 · Σ over all pairs of (w·h)² + λ · Σ over users and items of
/// (likes + α0 · size of the other side) · ‖·‖² (their ν = 1). Vectors begin as normal(0, .1 / √dim). A user that it
/// hasn't learned from is folded in: the user's normal equations are solved with the items as they are. Thread-safe once fitted.
/// </summary>
internal sealed class ImplicitFactors
{
    private const double InitialDeviation = 0.1;

    private readonly IalsOptions _options;
    private readonly float[] _gram; // α0 · Σ h hᵀ, [dim × dim]

    private ImplicitFactors(IalsOptions options, float[] items)
    {
        (_options, Items) = (options, items);
        _gram = Gram(items, options);
    }

    /// <summary>The items' vectors, [items × Dim].</summary>
    public float[] Items { get; }

    /// <summary>Length of a vector.</summary>
    public int Dim => _options.Dim;

    /// <summary>Fits the factors by alternating least squares.</summary>
    /// <param name="likes">The liked items of each user.</param>
    /// <param name="itemCount">Items.</param>
    /// <param name="random">Where the vectors begin.</param>
    /// <param name="threads">At once.</param>
    /// <param name="start">Where the items begin, [itemCount × Dim], of a fit on nearly the same likes; null: at random.</param>
    public static ImplicitFactors Fit(
        IEnumerable<int[]> likes, int itemCount, IalsOptions options, SeededRandom random, int threads, CancellationToken ct,
        float[]? start = null)
    {
        ArgumentNullException.ThrowIfNull(likes);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(random);
        var likedBy = likes.Where(items => items.Length > 0).ToArray();
        var likersOf = Transpose(likedBy, itemCount);
        var users = random.Normal(likedBy.Length * options.Dim, InitialDeviation / Math.Sqrt(options.Dim));
        var items = start is null ? random.Normal(itemCount * options.Dim, InitialDeviation / Math.Sqrt(options.Dim)) : [.. start];
        var parallel = new ParallelOptions { CancellationToken = ct, MaxDegreeOfParallelism = threads };
        for (var epoch = 0; epoch < options.Epochs; epoch++)
        {
            SolveSide(users, items, likedBy, options, parallel);
            SolveSide(items, users, likersOf, options, parallel);
        }

        return new(options, items);
    }

    /// <summary>The vector of a user with these likes. <paramref name="user"/>: [Dim], overwritten.</summary>
    internal void FoldIn(int[] likes, Span<float> user, NormalEquations equations) =>
        SolveOne(user, Items, likes, _gram, _options, equations);

    private static void SolveSide(float[] side, float[] other, int[][] liked, IalsOptions options, ParallelOptions parallel)
    {
        var gram = Gram(other, options);
        var dim = options.Dim;
        Parallel.For(0, liked.Length, parallel, () => new NormalEquations(dim), (row, _, equations) =>
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

    internal static int[][] Transpose(int[][] likedBy, int items)
    {
        var likers = Enumerable.Range(0, items).Select(_ => new List<int>()).ToArray();
        for (var user = 0; user < likedBy.Length; user++)
        {
            foreach (var item in likedBy[user]) likers[item].Add(user);
        }

        return [.. likers.Select(users => users.ToArray())];
    }
}
