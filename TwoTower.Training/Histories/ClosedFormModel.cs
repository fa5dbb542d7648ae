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
/// (x − mean) ÷ deviation over the items, and s, t, p, r the recipe's. None of them is served: a request would need every video's scores,
/// or solve equations.
/// </summary>
internal sealed class ClosedFormModel
{
    // Below it, popularity is chance.
    private const double PopularityPrior = 10, TrendPrior = 1;

    // Sweeps of factors that begin near where they end.
    private const int FewSweeps = 3;

    private readonly HistoryOptions _options;
    private readonly ClosedFormParts? _parts; // null: popularity alone
    private readonly float[] _bias; // [items]

    private ClosedFormModel(HistoryOptions options, ClosedFormParts? parts, float[] bias) =>
        (_options, _parts, _bias) = (options, parts, bias);

    /// <summary>The three models.</summary>
    /// <exception cref="InvalidOperationException">There are none (<see cref="IsPopularity"/>).</exception>
    public ClosedFormParts Parts => _parts ?? throw new InvalidOperationException("popularity alone has no parts");

    /// <summary>True: everybody's answer is what is popular.</summary>
    public bool IsPopularity => _parts is null;

    /// <summary>Number of items.</summary>
    public int Items => _bias.Length;

    /// <summary>Fits the three models.</summary>
    public static ClosedFormModel Fit(
        Interactions data, HistoryOptions options, int seed, torch.Device device, int threads, Action<string>? say, CancellationToken ct,
        FittedFactors? near = null)
    {
        var sweeps = near is null ? options.Sweeps : Math.Min(FewSweeps, options.Sweeps);
        return new(options, FitParts(data, options with { Sweeps = sweeps }, seed, device, threads, say, ct, near), Bias(data, options));
    }

    /// <summary>The model that shows everybody what is popular.</summary>
    public static ClosedFormModel OfPopularity(Interactions data, HistoryOptions options) => new(options, null, Popularity(data));

    /// <summary>Fits the three models.</summary>
    /// <param name="data">Decisions.</param>
    /// <param name="seed">Where the factors begin.</param>
    /// <param name="device">Where the matrix is inverted.</param>
    /// <param name="threads">At once.</param>
    /// <param name="say">Told in one line each what happens.</param>
    /// <param name="near">Those of nearly the same decisions, where the factors begin; null: at random.</param>
    public static ClosedFormParts FitParts(
        Interactions data, HistoryOptions options, int seed, torch.Device device, int threads, Action<string>? say, CancellationToken ct,
        FittedFactors? near = null)
    {
        var items = data.Videos.Count;
        var contents = new ContentVectors(data.Videos);
        var size = LinearModel.Size(items, data.HasNopes);
        say?.Invoke($"linear model: {size:N0} × {size:N0}");
        var linear = Stage("linear model", () => LinearModel.Fit(data.Users, contents, options, device, threads, ct));
        var random = new SeededRandom(seed, RandomPurpose.Factors);
        say?.Invoke($"{options.Factors} factors of the likes, {options.TasteFactors} of like against nope, {options.Sweeps} sweeps");
        int[][] likes = [.. data.Users.Select(user => user.Likes), .. contents.Groups(options.TokenShare)];
        var iterations = new IalsOptions(options.Factors, options.FactorsRegularization, options.UnobservedWeight, options.Sweeps);
        var factors = Stage("factors", () => ImplicitFactors.Fit(likes, items, iterations, random, threads, ct, near?.Factors.Items));
        var taste = Stage("taste factors", () => TasteFactors.Fit(
            data.Users, items, options.TasteFactors, options.TasteRegularization, options.Sweeps, random, threads, ct, near?.Taste));
        return new(linear, factors, taste);
    }

    /// <summary>Item bias: a discount for popularity, a bonus for recent likes over old ones. [items]</summary>
    /// <param name="standard">Items of which popularity is standardised; null: all.</param>
    internal static float[] Bias(Interactions data, HistoryOptions options, int[]? standard = null)
    {
        var (popularity, trend) = (Popularity(data, standard), Trend(data));
        return [.. trend.Select((late, item) => (float)(options.TrendWeight * late - options.PopularityDiscount * popularity[item]))];
    }

    /// <summary>Log popularity, standardised. [items]</summary>
    /// <param name="standard">Items whose mean and deviation it is standardised with; null: all.</param>
    internal static float[] Popularity(Interactions data, int[]? standard = null)
    {
        float[] popularity = [.. Count(data).Select(count => (float)Math.Log(count + PopularityPrior))];
        if (standard is null) Standardize(popularity);
        else Standardize(popularity, [.. standard.Select(item => popularity[item])]);
        return popularity;
    }

    /// <summary>The logarithm of likes of late over what popularity would make of them. [items]</summary>
    internal static double[] Trend(Interactions data)
    {
        var likes = Count(data);
        var kept = data.RecentLikes.Sum() / likes.Sum();
        return [.. likes.Select((count, item) => Math.Log((data.RecentLikes[item] + TrendPrior) / (kept * count + TrendPrior)))];
    }

    private static float[] Count(Interactions data)
    {
        var likes = new float[data.Videos.Count];
        foreach (var item in data.Users.SelectMany(user => user.Likes)) likes[item]++;
        return likes;
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
        if (_parts is null)
        {
            _bias.CopyTo(scores);
        }
        else
        {
            var share = (float)_options.FactorsShare;
            _parts.Linear.Score(history.Likes, history.Nopes, scores);
            Standardize(scores);
            TensorPrimitives.Multiply(scores, 1 - share, scores);

            _parts.ScoreFactors(history.Likes, scratch.Part, scratch.User!, scratch.Likes!);
            Standardize(scratch.Part);
            TensorPrimitives.MultiplyAdd(scratch.Part, share, scores, scores);

            _parts.Taste.LogProbabilities(history.Likes, history.Nopes, scratch.Part, scratch.Decisions!);
            TensorPrimitives.MultiplyAdd(scratch.Part, (float)_options.TasteWeight, scores, scores);
            TensorPrimitives.Add(scores, _bias, scores);
        }

        TensorPrimitives.Subtract(scores, TensorPrimitives.Sum<float>(scores) / scores.Length, scores);
    }

    private static T Stage<T>(string name, Func<T> fit)
    {
        using var activity = TrainingTelemetry.Source.StartActivity(name);
        return fit();
    }

    /// <summary>(x − mean) ÷ deviation.</summary>
    internal static void Standardize(Span<float> values)
    {
        TensorPrimitives.Subtract(values, TensorPrimitives.Sum<float>(values) / values.Length, values);
        var deviation = MathF.Sqrt(TensorPrimitives.SumOfSquares<float>(values) / values.Length);
        if (deviation > 1e-9f) TensorPrimitives.Divide(values, deviation, values);
    }

    // The same with mean and deviation of others.
    private static void Standardize(Span<float> values, ReadOnlySpan<float> others)
    {
        var mean = TensorPrimitives.Sum(others) / others.Length;
        var deviation = MathF.Sqrt(Math.Max(0, TensorPrimitives.SumOfSquares(others) / others.Length - mean * mean));
        TensorPrimitives.Subtract(values, mean, values);
        if (deviation > 1e-4f) TensorPrimitives.Divide(values, deviation, values);
    }

    private sealed class Scratch(ClosedFormModel closedForm)
    {
        public float[] Part { get; } = new float[closedForm.Items];

        public float[]? User { get; } = closedForm._parts is { } parts ? new float[parts.Factors.Dim] : null;

        public NormalEquations? Likes { get; } = closedForm._parts is { } parts ? new(parts.Factors.Dim) : null;

        public NormalEquations? Decisions { get; } = closedForm._parts is { } parts ? new(parts.Taste.Dim + 1) : null;
    }
}

/// <summary>What a later fit begins with.</summary>
/// <param name="Factors">Implicit-feedback factors of the likes.</param>
/// <param name="Taste">Factors of like against nope.</param>
internal sealed record FittedFactors(ImplicitFactors Factors, TasteFactors Taste);

/// <summary>Three closed-form models of the same decisions.</summary>
/// <param name="Linear">Item-to-item linear model of likes and nopes.</param>
/// <param name="Factors">Implicit-feedback factors of the likes.</param>
/// <param name="Taste">Factors of like against nope, given that a video was seen.</param>
internal sealed record ClosedFormParts(LinearModel Linear, ImplicitFactors Factors, TasteFactors Taste)
{
    /// <summary>The scores of all items by the factors of the likes.</summary>
    /// <param name="likes">Liked items.</param>
    /// <param name="scores">[items], overwritten.</param>
    /// <param name="user">Scratch of this thread, [Factors.Dim].</param>
    /// <param name="equations">Scratch of this thread, of Factors.Dim.</param>
    public void ScoreFactors(int[] likes, Span<float> scores, float[] user, NormalEquations equations)
    {
        Factors.FoldIn(likes, user, equations);
        for (var item = 0; item < scores.Length; item++) scores[item] =
            TensorPrimitives.Dot<float>(user, Factors.Items.AsSpan(item * Factors.Dim, Factors.Dim));
    }
}
