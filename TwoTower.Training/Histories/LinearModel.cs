using System.Numerics.Tensors;
using TorchSharp;
using TwoTower.Core.Configuration;
using TwoTower.Training.Towers;

namespace TwoTower.Training.Histories;

/// <summary>
/// EASE (Steck 2019) with nopes: the linear model that best tells each user's decisions on a video, like 1 and nope −c, from the decisions
/// on the other videos. With Z = [likes, nopes] (users × 2 items), each user weighted, P = (ZᵀWZ + λI)⁻¹ and for item j the 2 × 2 block
/// of P at (j, n + j) = [a b; b d]: column j of B is −(α · P_j + β · P_(n+j)) with [a b; b d] [α β]ᵀ = [1 −c]ᵀ, and 0 at j and n + j, the
/// video's own decision. One inverse, as in EASE, and without nopes it is EASE. What the videos are counts beside who decided on them
/// (collective EASE, Jeunen, Van Balen and Goethals 2020): ZᵀWZ has ω times the cosines of their contents added to it, as if each tag and
/// each performer were a user too.
/// </summary>
internal sealed class LinearModel
{
    private LinearModel(float[] weights, int items) => (Weights, Items) = (weights, items);

    /// <summary>
    /// B, row-major: what a like of a video adds to each score, [items × items], then what a nope adds, as much again; nothing of nopes
    /// where nobody nopes.
    /// </summary>
    public float[] Weights { get; }

    /// <summary>Items.</summary>
    public int Items { get; }

    /// <summary>True where somebody nopes: B has a second half.</summary>
    public bool HasNopes => Weights.Length > Items * Items;

    /// <summary>Rows of the matrix that is inverted: likes, and nopes where there are any.</summary>
    public static long Size(int items, bool hasNopes) => hasNopes ? 2L * items : items;

    /// <summary>Bytes that solving for B takes at most: four matrices, which are ours, torch's copy, its Cholesky factor and LAPACK's order
    /// of that.</summary>
    public static long MostBytes(int items, bool hasNopes) => 4L * sizeof(float) * Size(items, hasNopes) * Size(items, hasNopes);

    /// <summary>Options whose λ and ω are absolute, for decisions at hand.</summary>
    public static HistoryOptions Absolute(HistoryOptions options, Interactions decisions) =>
        options.Absolute(MeanDiagonal(decisions.Users, decisions.Videos.Count, options));

    /// <summary>d: the mean, over items, of what each has on the diagonal of ZᵀWZ for its likes. λ and ω of unknown data are counted in
    /// it.</summary>
    public static double MeanDiagonal(IReadOnlyList<(int[] Likes, int[] Nopes)> users, int items, HistoryOptions options)
    {
        var weights = Weigh([.. users.Select(user => user.Likes.Length + user.Nopes.Length)], options.UserWeight);
        return users.Select((user, row) => (double)weights[row] * user.Likes.Length).Sum() / items;
    }

    /// <summary>Solves for B.</summary>
    public static LinearModel Fit(
        IReadOnlyList<(int[] Likes, int[] Nopes)> users, ContentVectors contents, HistoryOptions options, torch.Device device, int threads,
        CancellationToken ct)
    {
        var items = contents.Count;
        var size = (int)Size(items, users.Any(user => user.Nopes.Length > 0));
        int[][] columns = [.. users.Select(user => (int[])[.. user.Likes, .. user.Nopes.Select(item => items + item)])];
        var weights = Weigh([.. columns.Select(decided => decided.Length)], options.UserWeight);
        var usersOf = Factors.ImplicitFactors.Transpose(columns, size);
        var matrix = new float[size * size];
        var parallel = new ParallelOptions { CancellationToken = ct, MaxDegreeOfParallelism = threads };
        Parallel.For(0, size, parallel, column =>
        {
            var row = matrix.AsSpan(column * size, size);
            foreach (var user in usersOf[column])
            {
                foreach (var other in columns[user]) row[other] += weights[user];
            }

            if (column < items && options.ContentWeight > 0) contents.AddCosines(column, (float)options.ContentWeight, row);
            row[column] += (float)options.Ridge;
        });
        ct.ThrowIfCancellationRequested();
        using (torch.NewDisposeScope())
        using (torch.no_grad())
        {
            var gram = torch.tensor(matrix, [size, size]).to(device);
            var factor = torch.linalg.cholesky(gram);
            gram.Dispose(); // it is as large as the inverse, which comes now
            torch.cholesky_inverse(factor).CopyTo(matrix);
        }

        ct.ThrowIfCancellationRequested();
        return size == items ? LikesAlone(matrix, items) : new(Both(matrix, items, options.NopeTarget), items);
    }

    // EASE: column j is −P_j ÷ P_jj, in place.
    private static LinearModel LikesAlone(float[] matrix, int items)
    {
        var scale = new float[items];
        for (var j = 0; j < items; j++) scale[j] = -1 / matrix[j * items + j];
        Parallel.For(0, items, row =>
        {
            var weights = matrix.AsSpan(row * items, items);
            TensorPrimitives.Multiply(weights, scale, weights);
            weights[row] = 0;
        });
        return new(matrix, items);
    }

    private static float[] Both(float[] matrix, int items, double c)
    {
        var size = 2 * items;
        var (alpha, beta) = (new float[items], new float[items]);
        for (var j = 0; j < items; j++)
        {
            double a = matrix[j * size + j], b = matrix[j * size + items + j], d = matrix[(items + j) * size + items + j],
            determinant = a * d - b * b;
            alpha[j] = (float)(-(d + b * c) / determinant);
            beta[j] = (float)((b + a * c) / determinant);
        }

        var solution = new float[size * items];
        Parallel.For(0, size, row =>
        {
            var likes = matrix.AsSpan(row * size, items);
            var nopes = matrix.AsSpan(row * size + items, items);
            var result = solution.AsSpan(row * items, items);
            TensorPrimitives.Multiply(likes, alpha, result);
            TensorPrimitives.MultiplyAdd(nopes, beta, result, result);
            result[row % items] = 0;
        });
        return solution;
    }

    /// <summary>The scores of all items for a user with these decisions. <paramref name="scores"/>: [items], overwritten.</summary>
    public void Score(int[] likes, int[] nopes, Span<float> scores)
    {
        scores.Clear();
        foreach (var item in likes) TensorPrimitives.Add(scores, Weights.AsSpan(item * Items, Items), scores);
        if (!HasNopes) return;
        foreach (var item in nopes) TensorPrimitives.Add(scores, Weights.AsSpan((Items + item) * Items, Items), scores);
    }

    // (n + 5)^−w, 1 in the mean.
    private static float[] Weigh(int[] decisions, double exponent)
    {
        double[] weights = [.. decisions.Select(count => Math.Pow(count + 5, -exponent))];
        var mean = weights.Average();
        return [.. weights.Select(weight => (float)(weight / mean))];
    }
}
