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

    /// <summary>B, row-major, [2 · items × items]: what a like of a video adds to each score, then what a nope adds.</summary>
    public float[] Weights { get; }

    /// <summary>Items.</summary>
    public int Items { get; }

    /// <summary>Bytes that solving for B of so many items takes at most: the matrix, torch's copy, its Cholesky factor and its inverse.</summary>
    public static long MostBytes(int items) => 4L * sizeof(float) * (2L * items) * (2L * items);

    /// <summary>Solves for B.</summary>
    public static LinearModel Fit(
        IReadOnlyList<(int[] Likes, int[] Nopes)> users, ContentVectors contents, HistoryOptions options, torch.Device device, int threads, CancellationToken ct)
    {
        var items = contents.Count;
        var size = 2 * items;
        int[][] columns = [.. users.Select(user => (int[])[.. user.Likes, .. user.Nopes.Select(item => items + item)])];
        var weights = Weigh(columns, options.UserWeight);
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
            torch.cholesky_inverse(torch.linalg.cholesky(gram)).CopyTo(matrix);
        }

        ct.ThrowIfCancellationRequested();
        var (alpha, beta) = (new float[items], new float[items]);
        var c = options.NopeTarget;
        for (var j = 0; j < items; j++)
        {
            double a = matrix[j * size + j], b = matrix[j * size + items + j], d = matrix[(items + j) * size + items + j], determinant = a * d - b * b;
            alpha[j] = (float)(-(d + b * c) / determinant);
            beta[j] = (float)((b + a * c) / determinant);
        }

        var solution = new float[size * items];
        Parallel.For(0, size, parallel, row =>
        {
            var likes = matrix.AsSpan(row * size, items);
            var nopes = matrix.AsSpan(row * size + items, items);
            var result = solution.AsSpan(row * items, items);
            TensorPrimitives.Multiply(likes, alpha, result);
            TensorPrimitives.MultiplyAdd(nopes, beta, result, result);
            result[row % items] = 0;
        });
        return new(solution, items);
    }

    /// <summary>The scores of all items for a user with these decisions. <paramref name="scores"/>: [items], overwritten.</summary>
    public void Score(int[] likes, int[] nopes, Span<float> scores)
    {
        scores.Clear();
        foreach (var item in likes) TensorPrimitives.Add(scores, Weights.AsSpan(item * Items, Items), scores);
        foreach (var item in nopes) TensorPrimitives.Add(scores, Weights.AsSpan((Items + item) * Items, Items), scores);
    }

    // (n + 5)^−w, 1 in the mean.
    private static float[] Weigh(int[][] columns, double exponent)
    {
        double[] weights = [.. columns.Select(decided => Math.Pow(decided.Length + 5, -exponent))];
        var mean = weights.Average();
        return [.. weights.Select(weight => (float)(weight / mean))];
    }
}
