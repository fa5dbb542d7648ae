using System.Numerics.Tensors;
using TwoTower.Core.Configuration;
using TwoTower.Core.Rows;
using TwoTower.Training.Factors;
using TwoTower.Training.Randomness;
using TwoTower.Training.Towers;
using static TorchSharp.torch;

namespace TwoTower.Training.Histories;

/// <summary>
/// The liked videos beyond <see cref="HistoryOptions.MaxItems"/>: too many for the linear model. Factors of the likes take memory and time linear in
/// videos and likes, so they are fitted on all; what makes a vector of a video's factors is learned on the items, which have both.
/// </summary>
/// <param name="Videos">These videos, in table order.</param>
/// <param name="OfItems">The factors of each item, row-major, [items × Width].</param>
/// <param name="OfVideos">The factors of each of these videos, row-major, [videos × Width].</param>
/// <param name="Width">Factors; 0 where popularity alone is served.</param>
/// <param name="ItemBias">[items]: the part of an item's scores that is the same for everybody.</param>
/// <param name="VideoBias">[videos]: the same of each of these videos.</param>
internal sealed record OtherItems(
    IReadOnlyList<VideoRow> Videos, float[] OfItems, float[] OfVideos, int Width, float[] ItemBias, float[] VideoBias)
{
    // Of the variance of a column, per item.
    private const double Ridge = 1e-3;
    private const double LeastDeviation = 1e-6;

    /// <summary>Reads them.</summary>
    /// <param name="tables">All rows.</param>
    /// <param name="data">The items.</param>
    /// <param name="most">Items and these videos together: those with the most decisions.</param>
    /// <param name="popularityAlone">True: nothing else is served, and no factors are fitted.</param>
    /// <returns>Null where every liked video is an item.</returns>
    public static OtherItems? Read(
        TableSet tables, Interactions data, int most, HistoryOptions options, bool popularityAlone, int seed, int threads,
        CancellationToken ct)
    {
        var all = Interactions.Read(tables, Math.Max(most, data.Videos.Count), TimeSpan.FromDays(options.TrendDays));
        if (all.Videos.Count == data.Videos.Count) return null;
        var place = all.Videos.Select((video, item) => (video.Id, item)).ToDictionary(pair => pair.Id, pair => pair.item);
        int[] items = [.. data.Videos.Select(video => place[video.Id])];
        int[] others = [.. Enumerable.Range(0, all.Videos.Count).Except(items)];
        var bias = popularityAlone ? ClosedFormModel.Popularity(all, items) : ClosedFormModel.Bias(all, options, items);
        var (dim, factors) = popularityAlone ? (0, []) : (options.Factors, Factors(all, options, seed, threads, ct));
        return new(
            [.. others.Select(item => all.Videos[item])], Rows(items), Rows(others), dim, [.. items.Select(item => bias[item])],
            [.. others.Select(item => bias[item])]);

        float[] Rows(int[] videos)
        {
            var rows = new float[videos.Length * dim];
            for (var row = 0; row < videos.Length; row++) factors.AsSpan(videos[row] * dim, dim).CopyTo(rows.AsSpan(row * dim));
            return rows;
        }
    }

    private static float[] Factors(Interactions all, HistoryOptions options, int seed, int threads, CancellationToken ct)
    {
        int[][] likes = [.. all.Users.Select(user => user.Likes), .. new ContentVectors(all.Videos).Groups(options.TokenShare)];
        var iterations = new IalsOptions(options.Factors, options.FactorsRegularization, options.UnobservedWeight, options.Sweeps);
        return ImplicitFactors.Fit(likes, all.Videos.Count, iterations, new(seed, RandomPurpose.OtherItems), threads, ct).Items;
    }

    /// <summary>Learns on the items what makes vectors of factors: ridge regression.</summary>
    /// <param name="vectors">The items', row-major, [items × width].</param>
    /// <param name="weights">[items]: what each counts, more than 0.</param>
    /// <returns>Row-major, [Width + 1 × width]; the last row is what all have.</returns>
    public float[] Fit(float[] vectors, float[] weights, Device device)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        var items = weights.Length;
        var y = tensor(vectors, [items, vectors.Length / items]).to(device);
        var weight = tensor(weights).Over(TensorPrimitives.Sum<float>(weights)).to(device).unsqueeze(1);
        var yMean = (y * weight).sum([0]);
        if (Width == 0) return yMean.ToFloats();
        var x = tensor(OfItems, [items, Width]).to(device);
        var mean = (x * weight).sum([0]);
        var deviation = ((x - mean).Squared() * weight).sum([0]).sqrt().AtLeast(LeastDeviation);
        var root = weight.sqrt();
        var standard = (x - mean) / deviation * root;
        var gram = standard.t().matmul(standard).to(ScalarType.Float64)
            .Plus(eye(Width, dtype: ScalarType.Float64, device: device).Times(Ridge));
        var map = linalg.solve(gram, standard.t().matmul((y - yMean) * root).to(ScalarType.Float64)).to(ScalarType.Float32);
        map = map / deviation.unsqueeze(1);
        return cat([map, (yMean - mean.matmul(map)).unsqueeze(0)], 0).ToFloats();
    }
}
