using TwoTower.Evaluation.Evaluators;
using TwoTower.Training.Randomness;

namespace TwoTower.Evaluation.Results;

/// <summary>
/// Percentile bootstrap over users (Efron 1979): users are drawn with replacement as often as there are users, and a mean is taken
/// of the queries of those drawn; 2.5 and 97.5 % of many such means bound it. All series see the same draws, so that their differences are
/// paired.
/// </summary>
internal static class Bootstrap
{
    /// <summary>Draws that an interval is read from.</summary>
    public const int DefaultRounds = 1000;

    /// <summary>The mean of each series in each round; NaN where none of those drawn has a value.</summary>
    /// <param name="series">Each with the same users.</param>
    /// <param name="rounds">Draws.</param>
    /// <param name="seed">The same seed draws the same users.</param>
    /// <returns>[series][rounds].</returns>
    public static double[][] Means(IReadOnlyList<UserSeries> series, int rounds, int seed, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(series);
        var means = series.Select(_ => new double[rounds]).ToArray();
        if (series.Count == 0) return means;
        var users = series[0].Sums.Length;
        var random = new SeededRandom(seed, RandomPurpose.Bootstrap);
        var times = new int[users];
        for (var round = 0; round < rounds; round++)
        {
            ct.ThrowIfCancellationRequested();
            Array.Clear(times);
            for (var draw = 0; draw < users; draw++) times[random.Next(users)]++;
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

/// <summary>A measure by user: a user has a query in each of several splits, and an answer by each of several seeds.</summary>
/// <param name="Sums">[users] sum of the values.</param>
/// <param name="Counts">[users] how many values.</param>
internal sealed record UserSeries(double[] Sums, int[] Counts)
{
    /// <summary>The mean over all values; NaN without any.</summary>
    public double Mean() => Sums.Sum() / Counts.Sum();

    /// <summary>The mean with each user taken some times.</summary>
    /// <param name="times">[users].</param>
    public double Mean(ReadOnlySpan<int> times)
    {
        double sum = 0;
        long count = 0;
        for (var user = 0; user < times.Length; user++)
        {
            sum += times[user] * Sums[user];
            count += times[user] * Counts[user];
        }

        return sum / count;
    }

    /// <summary>Collects a measure of results.</summary>
    /// <param name="users">Place of each user.</param>
    /// <param name="results">Results of these users, in any order.</param>
    /// <param name="value">The measure.</param>
    public static UserSeries Of(IReadOnlyDictionary<Guid, int> users, IEnumerable<QueryResult> results, Func<QueryResult, double?> value)
    {
        ArgumentNullException.ThrowIfNull(users);
        ArgumentNullException.ThrowIfNull(results);
        ArgumentNullException.ThrowIfNull(value);
        var series = new UserSeries(new double[users.Count], new int[users.Count]);
        foreach (var result in results)
        {
            if (value(result) is not { } number) continue;
            series.Sums[users[result.UserId]] += number;
            series.Counts[users[result.UserId]]++;
        }

        return series;
    }
}
