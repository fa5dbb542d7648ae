using System.Numerics.Tensors;
using TwoTower.Core.Artifacts;
using TwoTower.Core.Features;

namespace TwoTower.Training.Histories;

/// <summary>
/// The item side: one linear layer over [content, the video's own part] for the embedding, and one for the history vector. The own part of
/// a known video is what its content misses, so that a change of its tags moves it, and a video that nobody has seen has a vector too. Of
/// that the content knows only the mean of what is alike: it is ranked below known videos, which would be lost among the unknown otherwise.
/// </summary>
/// <param name="Tower">Item features → embedding, rank + 1.</param>
/// <param name="History">Item features → history vector, 2 rank.</param>
/// <param name="Ids">The own parts.</param>
internal sealed record ItemVectors(TowerWeights Tower, TowerWeights History, ItemIds Ids)
{
    /// <summary>Fits the content and what it misses.</summary>
    /// <param name="videos">The items' keys.</param>
    /// <param name="embeddings">What users' vectors are multiplied with, row-major, [items × rank].</param>
    /// <param name="stranger">What a video without a part of its own has besides its content, [rank].</param>
    /// <param name="initialization">The history vectors.</param>
    /// <param name="content">Row-major, [items × features].</param>
    /// <param name="decisions">[items]: how many each has.</param>
    /// <param name="ridge">λ of the content.</param>
    public static ItemVectors Fit(
        IReadOnlyList<Guid> videos, float[] embeddings, float[] stranger, LinearInitialization initialization, float[] content,
        int[] decisions, double ridge, TorchSharp.torch.Device device)
    {
        var (items, rank) = (videos.Count, initialization.Bias.Length);
        var (dim, width) = (rank + 1, 3 * rank + 1); // embedding, liked half, noped half
        var targets = new float[items * width];
        var longest = Enumerable.Range(0, items).Max(item => TensorPrimitives.Norm<float>(embeddings.AsSpan(item * rank, rank)));
        for (var item = 0; item < items; item++)
        {
            var row = targets.AsSpan(item * width, width);
            var embedding = row[..rank];
            TensorPrimitives.Divide(embeddings.AsSpan(item * rank, rank), longest, embedding);
            // Inner products as cosines (Bachrach et al. 2014): one more dimension makes every item of length 1; users have 0 there.
            row[rank] = MathF.Sqrt(Math.Max(0, 1 - TensorPrimitives.SumOfSquares<float>(embedding)));
            initialization.Liked.AsSpan(item * rank, rank).CopyTo(row[dim..]);
            initialization.Noped.AsSpan(item * rank, rank).CopyTo(row[(dim + rank)..]);
        }

        var map = ContentMap.Fit(content, targets, decisions, ridge, device);
        for (var k = 0; k < rank; k++) map.Bias[k] += stranger[k] / longest;
        var own = new Half[items * width];
        for (var i = 0; i < own.Length; i++)
        {
            var guess = i % width < rank ? map.Fitted[i] + stranger[i % width] / longest : map.Fitted[i];
            own[i] = (Half)(targets[i] - guess);
        }

        var features = content.Length / items;
        return new(Layer(map, features, width, 0, dim), Layer(map, features, width, dim, 2 * rank), new(videos, own, width));
    }

    // Rows first .. first + count of [map, identity].
    private static TowerWeights Layer(ContentMap map, int features, int width, int first, int count)
    {
        var weight = new float[count * (features + width)];
        for (var row = 0; row < count; row++)
        {
            map.Weight.AsSpan((first + row) * features, features).CopyTo(weight.AsSpan(row * (features + width)));
            weight[row * (features + width) + features + first + row] = 1;
        }

        return new([new(features + width, count, weight, map.Bias.AsSpan(first, count).ToArray())]);
    }
}
