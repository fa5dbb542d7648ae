using System.Text.Json.Serialization;
using TwoTower.Core.Quality;
using TwoTower.Evaluation.Evaluators;
using TwoTower.Evaluation.Queries;
using TwoTower.Evaluation.Results;

namespace TwoTower.Evaluation.Live;

/// <summary>One query, answered by an exact search in process and by the live API.</summary>
/// <param name="Exact">The exact answer.</param>
/// <param name="Live">The API's.</param>
/// <param name="ScoreDifference">The largest difference between the API's score of a video and the exact one.</param>
/// <param name="Time">From request to answer.</param>
internal sealed record LiveAnswer(QueryResult Exact, QueryResult Live, double ScoreDifference, TimeSpan Time)
{
    /// <summary>Measures the API's ranking as the exact one was measured.</summary>
    /// <param name="split">Where the query is from.</param>
    /// <param name="query">What was asked.</param>
    /// <param name="exact">The exact answer.</param>
    /// <param name="scores">[Items.Count] the exact scores.</param>
    /// <param name="answer">Items of the API's answer with its scores, best first.</param>
    /// <param name="time">From request to answer.</param>
    public static LiveAnswer Of(
        Split split, Query query, QueryResult exact, ReadOnlySpan<float> scores, IReadOnlyList<(int Item, double Score)> answer,
        TimeSpan time)
    {
        ArgumentNullException.ThrowIfNull(answer);
        var difference = 0.0;
        foreach (var (item, score) in answer) difference = Math.Max(difference, Math.Abs(score - scores[item]));
        return new(exact, RankingMetrics.Measure(split, query, [.. answer.Select(one => one.Item)], scores), difference, time);
    }

    /// <summary>Videos among both first 20, as a share of the exact ones.</summary>
    public double Overlap20()
    {
        var exact = Exact.Top.Take(Metrics.Shown).Select(top => top.Item).ToHashSet();
        return exact.Count == 0 ? 1 : Live.Top.Take(Metrics.Shown).Count(top => exact.Contains(top.Item)) / (double)exact.Count;
    }
}

/// <summary>What the live API makes of a recipe's release: HTTP, features from SQL, the search with its index.</summary>
/// <param name="Model">The recipe.</param>
/// <param name="Seed">The seed that was asked; one is.</param>
/// <param name="Users">Queries that were asked.</param>
/// <param name="Searches">Searches, with one more a split that loads the tower.</param>
/// <param name="IndexSearches">Those that the planner gave to the HNSW index; it sorts exactly where that costs less.</param>
/// <param name="Overlap20">Videos among both first 20.</param>
/// <param name="Exact">The sample's metrics by an exact search.</param>
/// <param name="Live">The same by the API.</param>
/// <param name="Loss">Exact less live; the interval is that of the paired difference.</param>
/// <param name="LargestScoreDifference">Between the API and the exact search, of the same video: rounding, where both compute the same.</param>
/// <param name="MedianMs">Half of the requests take no longer, milliseconds, one at a time on this machine.</param>
/// <param name="P95Ms">95 % take no longer.</param>
internal sealed record LiveResult(
    [property: JsonPropertyName("contender")] string Model, int Seed, [property: JsonPropertyName("viewers")] int Users, int Searches,
    long IndexSearches, Estimate Overlap20, GroupResult Exact, GroupResult Live, GroupResult Loss,
    double LargestScoreDifference, double MedianMs, double P95Ms)
{
    /// <summary>uAUC is of scores, which a search doesn't change.</summary>
    public static readonly IReadOnlyList<Measure> Measured = [.. Measures.All.Where(measure => measure.Name != "uauc")];

    /// <summary>Means over the sample.</summary>
    /// <param name="model">The recipe.</param>
    /// <param name="searches">All searches, and those by the index.</param>
    /// <param name="answers">One at least.</param>
    /// <param name="rounds">Draws of the bootstrap; 0 gives no intervals.</param>
    public static LiveResult Of(
        string model, int seed, (int All, long ByIndex) searches, IReadOnlyList<LiveAnswer> answers, int rounds, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(answers);
        var users =
            answers.Select(answer => answer.Exact.UserId).Distinct().Select((user, place) => (user, place)).ToDictionary(
                pair => pair.user, pair => pair.place);
        UserSeries[] exact = [.. Measured.Select(measure => UserSeries.Of(users, answers.Select(answer => answer.Exact), measure.Of))];
        UserSeries[] live = [.. Measured.Select(measure => UserSeries.Of(users, answers.Select(answer => answer.Live), measure.Of))];
        var overlaps = new UserSeries(new double[users.Count], new int[users.Count]);
        foreach (var answer in answers)
        {
            overlaps.Sums[users[answer.Exact.UserId]] += answer.Overlap20();
            overlaps.Counts[users[answer.Exact.UserId]]++;
        }

        var draws = Bootstrap.Means([.. exact, .. live, overlaps], rounds, 42, ct);
        var times = answers.Select(answer => answer.Time.TotalMilliseconds).Order().ToArray();
        return new(
            model, seed, answers.Count, searches.All, searches.ByIndex, Bounded(overlaps.Mean(), draws[^1]),
            Group("exact", m => exact[m].Mean(), m => draws[m]),
            Group("live", m => live[m].Mean(), m => draws[Measured.Count + m]),
            Group("loss", m => exact[m].Mean() - live[m].Mean(), m => draws[m].Zip(draws[Measured.Count + m], (a, b) => a - b)),
            answers.Max(answer => answer.ScoreDifference), Quantile(times, 0.5), Quantile(times, 0.95));

        GroupResult Group(string name, Func<int, double> mean, Func<int, IEnumerable<double>> drawn)
        {
            var metrics = new OrderedDictionary<string, Estimate>();
            for (var m = 0; m < Measured.Count; m++)
            {
                if (double.IsFinite(mean(m))) metrics.Add(Measured[m].Name, Bounded(mean(m), drawn(m)));
            }

            return new(name, answers.Count, metrics);
        }
    }

    private static Estimate Bounded(double mean, IEnumerable<double> draws) =>
        Bootstrap.Interval(draws) is var (low, high) ? new(mean, low, high) : new(mean);

    private static double Quantile(double[] sorted, double share) => sorted[Math.Max(0, (int)Math.Ceiling(share * sorted.Length) - 1)];
}
