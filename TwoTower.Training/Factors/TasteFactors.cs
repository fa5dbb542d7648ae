using System.Numerics.Tensors;
using TwoTower.Training.Randomness;

namespace TwoTower.Training.Factors;

/// <summary>
/// Like against nope, on decisions alone: regularised matrix factorisation with biases (Koren, Bell and Volinsky 2009) of 1 for a like and
/// 0 for a nope, by alternating least squares. What nobody decided on says nothing here. Thread-safe once fitted.
/// </summary>
internal sealed class TasteFactors
{
    // An item begins as if it had this many decisions at the mean.
    private const double PriorDecisions = 20;

    // A probability that a least-squares fit gives may leave 0..1; its logarithm must stay finite.
    private const float Least = 0.05f, Most = 1.2f;

    private readonly float[] _items; // [items × (dim + 1)]: vector, bias
    private readonly float _mean, _ridge;

    private TasteFactors(float[] items, int dim, float mean, float ridge) => (_items, Dim, _mean, _ridge) = (items, dim, mean, ridge);

    /// <summary>Length of a vector, without its bias.</summary>
    public int Dim { get; }

    /// <summary>Fits the factors by alternating least squares.</summary>
    /// <param name="users">The liked and the noped items of each user.</param>
    /// <param name="itemCount">Items.</param>
    /// <param name="dim">Length of a vector.</param>
    /// <param name="ridge">λ, of vectors and biases.</param>
    /// <param name="sweeps">Passes over both sides.</param>
    /// <param name="random">Where the vectors begin.</param>
    /// <param name="threads">At once.</param>
    /// <param name="begin">A fit on nearly the same decisions to begin with; null: at random.</param>
    public static TasteFactors Fit(
        IReadOnlyList<(int[] Likes, int[] Nopes)> users, int itemCount, int dim, double ridge, int sweeps, SeededRandom random, int threads,
        CancellationToken ct,
        TasteFactors? begin = null)
    {
        ArgumentNullException.ThrowIfNull(users);
        ArgumentNullException.ThrowIfNull(random);
        int[][] likes = [.. users.Select(user => user.Likes)], nopes = [.. users.Select(user => user.Nopes)];
        var (likers, nopers) = (ImplicitFactors.Transpose(likes, itemCount), ImplicitFactors.Transpose(nopes, itemCount));
        double liked = likes.Sum(items => (long)items.Length), decided = liked + nopes.Sum(items => (long)items.Length);
        var mean = decided == 0 ? 0.5 : liked / decided;
        var items = new float[itemCount * (dim + 1)];
        var start = random.Normal(itemCount * dim, 0.1);
        for (var item = 0; item < itemCount; item++)
        {
            start.AsSpan(item * dim, dim).CopyTo(items.AsSpan(item * (dim + 1)));
            var count = likers[item].Length + nopers[item].Length;
            items[item * (dim + 1) + dim] = (float)((likers[item].Length + PriorDecisions * mean) / (count + PriorDecisions) - mean);
        }

        begin?._items.CopyTo(items, 0);
        var people = new float[users.Count * (dim + 1)];
        var parallel = new ParallelOptions { CancellationToken = ct, MaxDegreeOfParallelism = threads };
        for (var sweep = 0; sweep < sweeps; sweep++)
        {
            SolveSide(people, items, likes, nopes);
            SolveSide(items, people, likers, nopers);
        }

        return new(items, dim, (float)mean, (float)ridge);

        void SolveSide(float[] side, float[] other, int[][] ones, int[][] zeros) =>
            Parallel.For(0, ones.Length, parallel, () => new NormalEquations(dim + 1), (row, _, equations) =>
            {
                Solve(side.AsSpan(row * (dim + 1), dim + 1), other, ones[row], zeros[row], (float)mean, (float)ridge, equations);
                return equations;
            }, _ => { });
    }

    /// <summary>The vector and bias of an item, [Dim + 1].</summary>
    public ReadOnlySpan<float> this[int item] => _items.AsSpan(item * (Dim + 1), Dim + 1);

    /// <summary>The logarithm of the like probability of every item, for a user with these decisions.</summary>
    /// <param name="likes">Liked items.</param>
    /// <param name="nopes">Noped items.</param>
    /// <param name="scores">[items], overwritten.</param>
    /// <param name="equations">Scratch of this thread, of <see cref="Dim"/> + 1.</param>
    internal void LogProbabilities(int[] likes, int[] nopes, Span<float> scores, NormalEquations equations)
    {
        var user = new float[Dim + 1];
        Solve(user, _items, likes, nopes, _mean, _ridge, equations);
        for (var item = 0; item < scores.Length; item++)
        {
            var vector = this[item];
            var probability = _mean + user[Dim] + vector[Dim] + TensorPrimitives.Dot(user.AsSpan(0, Dim), vector[..Dim]);
            scores[item] = MathF.Log(Math.Clamp(probability, Least, Most));
        }
    }

    // Least squares of (1 or 0) − mean − the other's bias on [the other's vector, 1].
    private static void Solve(
        Span<float> solution, float[] other, int[] ones, int[] zeros, float mean, float ridge, NormalEquations equations)
    {
        var width = solution.Length;
        equations.Start(ridge);
        solution.Clear();
        Span<float> x = stackalloc float[width];
        foreach (var (indices, label) in new[] { (ones, 1f), (zeros, 0f) })
        {
            foreach (var index in indices)
            {
                var row = other.AsSpan(index * width, width);
                row.CopyTo(x);
                x[width - 1] = 1;
                equations.Add(x);
                TensorPrimitives.MultiplyAdd(x, label - mean - row[width - 1], solution, solution);
            }
        }

        equations.Solve(solution);
    }
}
