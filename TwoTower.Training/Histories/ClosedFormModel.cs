using System.Numerics.Tensors;
using TorchSharp;
using TwoTower.Core.Configuration;
using TwoTower.Training.Factors;
using TwoTower.Training.Loop;
using TwoTower.Training.Randomness;

namespace TwoTower.Training.Histories;

/// <summary>
/// The model that the user tower is distilled from: three closed-form models together. They score a history by
/// (1 − s) · z(linear) + s · z(factors of the likes) + t · log P(like) − p · z(log popularity) + r · log(likes of late ÷ expected), z being
/// (x − mean) ÷ deviation over the items, and s, t, p, r the recipe's. None of them is served: a request would need every video's scores, or solve equations.
/// </summary>
internal sealed class ClosedFormModel
{
    // Below it, popularity is chance.
    private const double PopularityPrior = 10, TrendPrior = 1;

    private readonly HistoryOptions _options;
    private readonly float[] _bias; // [items]

    private ClosedFormModel(HistoryOptions options, LinearModel linear, ImplicitFactors factors, TasteFactors taste, float[] bias) =>
        (_options, Linear, Factors, Taste, _bias) = (options, linear, factors, taste, bias);

    /// <summary>Item-to-item linear model of likes and nopes.</summary>
    public LinearModel Linear { get; }

    /// <summary>Implicit-feedback factors of the likes.</summary>
    public ImplicitFactors Factors { get; }

    /// <summary>Factors of like against nope, given that a video was seen.</summary>
    public TasteFactors Taste { get; }

    /// <summary>Number of items.</summary>
    public int Items => _bias.Length;

    /// <summary>Fits the three models.</summary>
    public static ClosedFormModel Fit(Interactions data, HistoryOptions options, int seed, torch.Device device, int threads, Action<string>? say, CancellationToken ct)
    {
        var items = data.Videos.Count;
        var contents = new ContentVectors(data.Videos);
        say?.Invoke($"linear model: {2 * items:N0} × {2 * items:N0}");
        var linear = Stage("linear model", () => LinearModel.Fit(data.Users, contents, options, device, threads, ct));
        var random = new SeededRandom(seed, RandomPurpose.Factors);
        say?.Invoke($"{options.Factors} factors of the likes, {options.TasteFactors} of like against nope, {options.Sweeps} sweeps");
        int[][] likes = [.. data.Users.Select(user => user.Likes), .. contents.Groups(options.TokenShare)];
        var iterations = new IalsOptions(options.Factors, options.FactorsRegularization, options.UnobservedWeight, options.Sweeps);
        var factors = Stage("factors", () => ImplicitFactors.Fit(likes, items, iterations, random, threads, ct));
        var taste = Stage("taste factors", () => TasteFactors.Fit(
            data.Users, items, options.TasteFactors, options.TasteRegularization, options.Sweeps, random, threads, ct));
        return new(options, linear, factors, taste, Bias(data, options));
    }

    /// <summary>Item bias: a discount for popularity, a bonus for recent likes over old ones. [items]</summary>
    internal static float[] Bias(Interactions data, HistoryOptions options)
    {
        var likes = new float[data.Videos.Count];
        foreach (var item in data.Users.SelectMany(user => user.Likes)) likes[item]++;
        float[] popularity = [.. likes.Select(count => (float)Math.Log(count + PopularityPrior))];
        Standardize(popularity);
        var kept = data.RecentLikes.Sum() / likes.Sum();
        return
        [
            .. likes.Select((count, item) => (float)(
                options.TrendWeight * Math.Log((data.RecentLikes[item] + TrendPrior) / (kept * count + TrendPrior)) - options.PopularityDiscount * popularity[item])),
        ];
    }

    /// <summary>Scores histories, each row with mean 0.</summary>
    /// <param name="histories">Likes and nopes.</param>
    /// <param name="scores">Row-major, [histories × items], overwritten.</param>
    public void Score(ReadOnlyMemory<(int[] Likes, int[] Nopes)> histories, float[] scores, ParallelOptions parallel) =>
        Parallel.For(0, histories.Length, parallel, () => new Scratch(this), (row, _, scratch) =>
        {
            Score(histories.Span[row], scores.AsSpan(row * Items, Items), scratch);
            return scratch;
        }, _ => { });

    private void Score((int[] Likes, int[] Nopes) history, Span<float> scores, Scratch scratch)
    {
        var share = (float)_options.FactorsShare;
        Linear.Score(history.Likes, history.Nopes, scores);
        Standardize(scores);
        TensorPrimitives.Multiply(scores, 1 - share, scores);

        Factors.FoldIn(history.Likes, scratch.User, scratch.Likes);
        for (var item = 0; item < scores.Length; item++) scratch.Part[item] = TensorPrimitives.Dot<float>(scratch.User, Factors.Items.AsSpan(item * Factors.Dim, Factors.Dim));
        Standardize(scratch.Part);
        TensorPrimitives.MultiplyAdd(scratch.Part, share, scores, scores);

        Taste.LogProbabilities(history.Likes, history.Nopes, scratch.Part, scratch.Decisions);
        TensorPrimitives.MultiplyAdd(scratch.Part, (float)_options.TasteWeight, scores, scores);
        TensorPrimitives.Add(scores, _bias, scores);
        TensorPrimitives.Subtract(scores, TensorPrimitives.Sum<float>(scores) / scores.Length, scores);
    }

    private static T Stage<T>(string name, Func<T> fit)
    {
        using var activity = TrainingTelemetry.Source.StartActivity(name);
        return fit();
    }

    private static void Standardize(Span<float> values)
    {
        TensorPrimitives.Subtract(values, TensorPrimitives.Sum<float>(values) / values.Length, values);
        var deviation = MathF.Sqrt(TensorPrimitives.SumOfSquares<float>(values) / values.Length);
        if (deviation > 1e-9f) TensorPrimitives.Divide(values, deviation, values);
    }

    private sealed class Scratch(ClosedFormModel closedForm)
    {
        public float[] User { get; } = new float[closedForm.Factors.Dim];

        public float[] Part { get; } = new float[closedForm.Items];

        public NormalEquations Likes { get; } = new(closedForm.Factors.Dim);

        public NormalEquations Decisions { get; } = new(closedForm.Taste.Dim + 1);
    }
}
