using TwoTower.Evaluation.Exams;
using TwoTower.Training.Randomness;

namespace TwoTower.Evaluation.Results;

/// <summary>
/// Percentile bootstrap over viewers (Efron 1979): viewers are drawn with replacement as often as there are viewers, and a mean is taken
/// of the queries of those drawn; 2.5 and 97.5 % of many such means bound it. All series see the same draws, so that their differences are paired.
/// </summary>
public static class Bootstrap
{
    /// <summary>Draws that an interval is read from.</summary>
    public const int DefaultRounds = 1000;

    /// <summary>The mean of each series in each round; NaN where none of those drawn has a value.</summary>
    /// <param name="series">Each with the same viewers.</param>
    /// <param name="rounds">Draws.</param>
    /// <param name="seed">The same seed draws the same viewers.</param>
    /// <param name="ct">Stops.</param>
    /// <returns>[series][rounds].</returns>
    public static double[][] Means(IReadOnlyList<ViewerSeries> series, int rounds, int seed, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(series);
        var means = series.Select(_ => new double[rounds]).ToArray();
        if (series.Count == 0) return means;
        var viewers = series[0].Sums.Length;
        var random = new SeededRandom(seed, RandomPurpose.Bootstrap);
        var times = new int[viewers];
        for (var round = 0; round < rounds; round++)
        {
            ct.ThrowIfCancellationRequested();
            Array.Clear(times);
            for (var draw = 0; draw < viewers; draw++) times[random.Next(viewers)]++;
            for (var s = 0; s < series.Count; s++) means[s][round] = series[s].Mean(times);
        }

        return means;
    }

    /// <summary>2.5 and 97.5 % of values, interpolated; NaN are left out; null where nothing is left.</summary>
    public static (double Low, double High)? Interval(IEnumerable<double> values)
    {
        var sorted = values.Where(double.IsFinite).Order().ToArray();
        return sorted.Length == 0 ? null : (At(sorted, 0.025), At(sorted, 0.975));
    }

    private static double At(double[] sorted, double share)
    {
        var place = share * (sorted.Length - 1);
        var below = (int)place;
        var above = Math.Min(below + 1, sorted.Length - 1);
        return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
    }
}

/// <summary>A measure by viewer: a viewer has a query in each of several splits, and an answer by each of several seeds.</summary>
/// <param name="Sums">[viewers] sum of the values.</param>
/// <param name="Counts">[viewers] how many values.</param>
public sealed record ViewerSeries(double[] Sums, int[] Counts)
{
    /// <summary>The mean over all values; NaN without any.</summary>
    public double Mean() => Sums.Sum() / Counts.Sum();

    /// <summary>The mean with each viewer taken some times.</summary>
    /// <param name="times">[viewers].</param>
    public double Mean(ReadOnlySpan<int> times)
    {
        double sum = 0;
        long count = 0;
        for (var viewer = 0; viewer < times.Length; viewer++)
        {
            sum += times[viewer] * Sums[viewer];
            count += times[viewer] * Counts[viewer];
        }

        return sum / count;
    }

    /// <summary>Collects a measure of results.</summary>
    /// <param name="viewers">Place of each viewer.</param>
    /// <param name="results">Results of these viewers, in any order.</param>
    /// <param name="value">The measure.</param>
    public static ViewerSeries Of(IReadOnlyDictionary<Guid, int> viewers, IEnumerable<QueryResult> results, Func<QueryResult, double?> value)
    {
        ArgumentNullException.ThrowIfNull(viewers);
        ArgumentNullException.ThrowIfNull(results);
        ArgumentNullException.ThrowIfNull(value);
        var series = new ViewerSeries(new double[viewers.Count], new int[viewers.Count]);
        foreach (var result in results)
        {
            if (value(result) is not { } number) continue;
            series.Sums[viewers[result.UserId]] += number;
            series.Counts[viewers[result.UserId]]++;
        }

        return series;
    }
}
