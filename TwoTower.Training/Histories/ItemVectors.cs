using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using TwoTower.Core.Artifacts;
using TwoTower.Core.Features;
using TwoTower.Core.Rows;
using TwoTower.Training.Towers;
using static TorchSharp.torch;

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
    private const int BlockRows = 256;

    // Own parts are one file of a release, and that is one value of a column: PostgreSQL takes less than 1 GB of it.
    private const long MostBytes = 768L << 20;

    /// <summary>How many videos can have own parts.</summary>
    /// <param name="rank">Numbers of an embedding but its last.</param>
    public static int Most(int rank) => (int)(MostBytes / (Unsafe.SizeOf<Half>() * (3 * rank + 1)));

    /// <summary>Fits the content and what it misses.</summary>
    /// <param name="videos">The items' keys.</param>
    /// <param name="embeddings">What users' vectors are multiplied with, row-major, [items × rank].</param>
    /// <param name="stranger">What a video without a part of its own has besides its content, [rank].</param>
    /// <param name="initialization">The history vectors.</param>
    /// <param name="content">Row-major, [items × features].</param>
    /// <param name="decisions">[items]: how many each has.</param>
    /// <param name="ridge">λ of the content.</param>
    /// <param name="others">Liked videos that are no items, which get own parts too; null: there are none.</param>
    /// <param name="one">What an item has whose score is 1 for everybody, [rank].</param>
    /// <param name="encode">Writes the content of a video, [features].</param>
    public static ItemVectors Fit(
        IReadOnlyList<Guid> videos, float[] embeddings, float[] stranger, LinearInitialization initialization, float[] content,
        int[] decisions, double ridge, Device device, OtherItems? others = null, float[]? one = null,
        EncodeContent? encode = null)
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
        if (others is not null && one is not null && encode is not null)
        {
            videos = [.. videos, .. others.Videos.Select(video => video.Id)];
            // What everybody has of an item is known of the others as well: it isn't guessed.
            var bias = one.Select(value => value / longest).ToArray();
            for (var item = 0; item < items; item++) TensorPrimitives.MultiplyAdd(
                bias, -others.ItemBias[item], targets.AsSpan(item * width, rank), targets.AsSpan(item * width, rank));
            var learned = others.Fit(targets, ContentMap.Weigh(decisions), device);
            own = [.. own, .. OwnParts(others, learned, bias, map, width, features, encode)];
        }

        return new(Layer(map, features, width, 0, dim), Layer(map, features, width, dim, 2 * rank), new(videos, own, width));
    }

    // What the content misses of the vectors that the likes of these videos say.
    private static Half[] OwnParts(
        OtherItems others, float[] learned, float[] bias, ContentMap map, int width, int features, EncodeContent encode)
    {
        var rank = bias.Length;
        var own = new Half[others.Videos.Count * width];
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        var likes = tensor(learned[..(others.Width * width)], [others.Width, width]);
        var (all, one) = (tensor(learned[(others.Width * width)..]), tensor(bias));
        var (weight, mean) = (tensor(map.Weight, [width, features]), tensor(map.Bias));
        for (var first = 0; first < others.Videos.Count; first += BlockRows)
        {
            using var part = NewDisposeScope();
            var rows = Math.Min(BlockRows, others.Videos.Count - first);
            var contents = new float[rows * features];
            for (var row = 0; row < rows; row++) encode(others.Videos[first + row], contents.AsSpan(row * features, features));
            var guess = tensor(contents, [rows, features]).matmul(weight.t()).Plus(mean);
            var known = tensor(others.OfVideos.AsSpan(first * others.Width, rows * others.Width).ToArray(), [rows, others.Width]);
            var vectors = known.matmul(likes).Plus(all);
            vectors[.., ..rank].Add(tensor(others.VideoBias.AsSpan(first, rows).ToArray()).unsqueeze(1) * one);
            // Of length 1, as those of the items are.
            vectors[.., rank] = vectors[.., ..rank].Squared().sum(1).neg().Plus(1).AtLeast(0).sqrt();
            TensorPrimitives.ConvertToHalf((vectors - guess).ToFloats(), own.AsSpan(first * width, rows * width));
        }

        return own;
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

/// <summary>Writes what a catalogue says of a video. <paramref name="features"/>: overwritten.</summary>
internal delegate void EncodeContent(VideoRow video, Span<float> features);
