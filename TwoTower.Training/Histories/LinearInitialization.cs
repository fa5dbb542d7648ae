using System.Numerics.Tensors;
using TwoTower.Training.Factors;
using TwoTower.Training.Towers;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace TwoTower.Training.Histories;

/// <summary>
/// The linear part of the user tower: a history vector for each video, such that the sums over a history, divided by its size, give the
/// target user vector in the least-squares sense. Ridge regression on the closed-form model's own video features.
/// </summary>
/// <param name="Liked">What a like adds, row-major, [items × rank].</param>
/// <param name="Noped">What a nope adds, row-major, [items × rank].</param>
/// <param name="Bias">What everybody has, [rank].</param>
internal sealed record LinearInitialization(float[] Liked, float[] Noped, float[] Bias)
{
    // Of the variance of a column, per history: the columns are many and alike.
    private const double Ridge = 1e-3;

    /// <summary>Solves for it.</summary>
    public static LinearInitialization Fit(
        ClosedFormModel closedForm, DistillationTargets distillation, double smoothing, Device device, ParallelOptions parallel)
    {
        var (items, rank) = (closedForm.Items, distillation.Rank);
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        if (closedForm.IsPopularity)
        {
            // Every target is the same: a history adds nothing.
            return new(
                new float[items * rank], new float[items * rank],
                tensor(distillation.Targets, [distillation.Histories.Length, rank]).mean([0]).ToFloats());
        }

        var parts = closedForm.Parts;
        var rows = parts.Linear.Weights.Length / items;
        var weights =
            tensor(parts.Linear.Weights, [rows, items]).to(device).matmul(tensor(distillation.Projection, [items, rank]).to(device)).to(
                CPU);
        var liked =
            cat([weights[..items], tensor(parts.Factors.Items, [items, parts.Factors.Dim]), Taste(parts.Taste, items)], 1).contiguous();
        var noped = cat([parts.Linear.HasNopes ? weights[items..] : zeros(items, rank), Taste(parts.Taste, items)], 1).contiguous();
        var (likedWidth, nopedWidth) = ((int)liked.shape[1], (int)noped.shape[1]);
        var pooled = Pool(distillation.Histories, liked.ToFloats(), likedWidth, noped.ToFloats(), nopedWidth, smoothing, parallel);

        var count = distillation.Histories.Length;
        var x = tensor(pooled, [count, likedWidth + nopedWidth]).to(device);
        var y = tensor(distillation.Targets, [count, rank]).to(device);
        var (mean, deviation, targetMean) = (x.mean([0]), x.std(0, unbiased: false).AtLeast(1e-12), y.mean([0]));
        x.sub_(mean).div_(deviation);
        var gram =
            x.t().matmul(x).to(ScalarType.Float64).Plus(
                eye(likedWidth + nopedWidth, dtype: ScalarType.Float64, device: device).Times(Ridge * count));
        var solution =
            linalg.solve(gram, x.t().matmul(y - targetMean).to(ScalarType.Float64)).to(ScalarType.Float32) / deviation.unsqueeze(1);
        var bias = (targetMean - mean.matmul(solution)).to(CPU);
        solution = solution.to(CPU);
        return new(
            liked.matmul(solution[..likedWidth]).ToFloats(), noped.matmul(solution[likedWidth..]).ToFloats(), bias.ToFloats());
    }

    /// <summary>The sums over histories, divided: the user tower's input, row-major, [histories × 2 rank].</summary>
    public float[] Pool((int[] Likes, int[] Nopes)[] histories, double smoothing, ParallelOptions parallel) =>
        Pool(histories, Liked, Bias.Length, Noped, Bias.Length, smoothing, parallel);

    private static float[] Pool(
        (int[] Likes, int[] Nopes)[] histories, float[] liked, int likedWidth, float[] noped, int nopedWidth, double smoothing,
        ParallelOptions parallel)
    {
        var width = likedWidth + nopedWidth;
        var pooled = new float[(long)histories.Length * width];
        Parallel.For(0, histories.Length, parallel, row =>
        {
            var (likes, nopes) = histories[row];
            var sums = pooled.AsSpan(row * width, width);
            foreach (var item in likes) TensorPrimitives.Add(sums[..likedWidth], liked.AsSpan(item * likedWidth, likedWidth), sums);
            foreach (var item in nopes) TensorPrimitives.Add(
                sums[likedWidth..], noped.AsSpan(item * nopedWidth, nopedWidth), sums[likedWidth..]);
            TensorPrimitives.Divide(sums, (float)(likes.Length + nopes.Length + smoothing), sums);
        });
        return pooled;
    }

    // Vector, bias, and their product: the right sides of the equations that a user's taste solves.
    private static Tensor Taste(TasteFactors taste, int items)
    {
        var dim = taste.Dim;
        var rows = new float[items * (2 * dim + 1)];
        for (var item = 0; item < items; item++)
        {
            var row = rows.AsSpan(item * (2 * dim + 1), 2 * dim + 1);
            taste[item].CopyTo(row);
            TensorPrimitives.Multiply(row[..dim], row[dim], row[(dim + 1)..]);
        }

        return tensor(rows, [items, 2 * dim + 1]);
    }
}
