using TwoTower.Training.Towers;
using static TorchSharp.torch;

namespace TwoTower.Training.Histories;

/// <summary>
/// From a video's content to its vectors: ridge regression, weighted by how well a video is known, in its dual form (items are fewer than
/// tokens). What it misses of a known video is that video's own part.
/// </summary>
/// <param name="Weight">Row-major, [outputs × features], as a linear layer has it.</param>
/// <param name="Bias">[outputs].</param>
/// <param name="Fitted">What it gives for the items, row-major, [items × outputs].</param>
internal sealed record ContentMap(float[] Weight, float[] Bias, float[] Fitted)
{
    // A video with this many decisions counts half.
    private const double HalfKnown = 20;

    /// <summary>What an item counts, by how well it is known: 0 to 1.</summary>
    public static float[] Weigh(int[] decisions) => [.. decisions.Select(n => (float)(n / (n + HalfKnown)))];

    /// <summary>Fits it.</summary>
    /// <param name="features">Row-major, [items × features].</param>
    /// <param name="targets">Row-major, [items × outputs].</param>
    /// <param name="decisions">[items]: how many each has.</param>
    /// <param name="ridge">λ.</param>
    public static ContentMap Fit(float[] features, float[] targets, int[] decisions, double ridge, Device device)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        var items = decisions.Length;
        var x = tensor(features, [items, features.Length / items]).to(device);
        var y = tensor(targets, [items, targets.Length / items]).to(device);
        var weight = tensor(Weigh(decisions)).to(device).unsqueeze(1);
        weight /= weight.sum().AtLeast(1e-12).Over(items);
        var (xMean, yMean) = ((x * weight).mean([0]), (y * weight).mean([0]));
        var root = weight.sqrt();
        var (xs, ys) = ((x - xMean) * root, (y - yMean) * root);
        var gram = xs.matmul(xs.t()).to(ScalarType.Float64).Plus(eye(items, dtype: ScalarType.Float64, device: device).Times(ridge));
        var dual = linalg.solve(gram, ys.to(ScalarType.Float64)).to(ScalarType.Float32);
        var map = dual.t().matmul(xs);
        var bias = yMean - map.matmul(xMean);
        return new(map.ToFloats(), bias.ToFloats(), x.matmul(map.t()).Plus(bias).ToFloats());
    }
}
