using System.Numerics.Tensors;
using TorchSharp;
using TwoTower.Core.Configuration;
using TwoTower.Training.Factors;
using TwoTower.Training.Loop;
using TwoTower.Training.Randomness;

namespace TwoTower.Training.Histories;

/// <summary>
/// What the user tower learns to answer: three closed-form models together. Of a history they say
/// (1 − s) · z(linear) + s · z(factors of the likes) + t · log P(like) − p · z(log popularity) + r · log(likes of late ÷ expected), z being
/// (x − mean) ÷ deviation over the items, and s, t, p, r the recipe's. None of them could be served: a request would need every video's scores, or solve equations.
/// </summary>
internal sealed class Teacher
{
    // Below it, popularity is chance.
    private const double PopularityPrior = 10, TrendPrior = 1;

    private readonly HistoryOptions _options;
    private readonly float[] _bias; // [items]

    private Teacher(HistoryOptions options, LinearModel linear, ImplicitFactors factors, TasteFactors taste, float[] bias) =>
        (_options, Linear, Factors, Taste, _bias) = (options, linear, factors, taste, bias);

    /// <summary>Which videos go with which.</summary>
    public LinearModel Linear { get; }

    /// <summary>What one is drawn to.</summary>
    public ImplicitFactors Factors { get; }

    /// <summary>What one likes once it is seen.</summary>
    public TasteFactors Taste { get; }

    /// <summary>Items.</summary>
    public int Items => _bias.Length;

    /// <summary>Fits the three models.</summary>
    public static Teacher Fit(Interactions data, HistoryOptions options, int seed, torch.Device device, int threads, Action<string>? say, CancellationToken ct)
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

    /// <summary>What a video has for everybody: less for its popularity, more for being liked of late rather than long ago. [items]</summary>
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
    /// <param name="parallel">How.</param>
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

    private sealed class Scratch(Teacher teacher)
    {
        public float[] User { get; } = new float[teacher.Factors.Dim];

        public float[] Part { get; } = new float[teacher.Items];

        public NormalEquations Likes { get; } = new(teacher.Factors.Dim);

        public NormalEquations Decisions { get; } = new(teacher.Taste.Dim + 1);
    }
}
