using TwoTower.Evaluation.Evaluators;
using TwoTower.Evaluation.Queries;

namespace TwoTower.Evaluation.Results;

/// <summary>From answers to numbers: means over users and seeds, by group, with intervals.</summary>
internal sealed class Summary
{
    private readonly IReadOnlyList<Split> _splits;
    private readonly Dictionary<Guid, int> _users;
    private readonly int _rounds, _seed;

    /// <summary>Prepares.</summary>
    /// <param name="splits">What was asked.</param>
    /// <param name="rounds">Draws of the bootstrap; 0 gives no intervals.</param>
    /// <param name="seed">Of the bootstrap.</param>
    public Summary(IReadOnlyList<Split> splits, int rounds = Bootstrap.DefaultRounds, int seed = 42)
    {
        (_splits, _rounds, _seed) = (splits, rounds, seed);
        _users = splits.SelectMany(split => split.Queries).Select(query => query.History.UserId).Distinct()
            .Select((user, place) => (user, place)).ToDictionary(pair => pair.user, pair => pair.place);
    }

    /// <summary>The numbers of all models.</summary>
    /// <param name="answers">Of each model and seed.</param>
    /// <param name="reference">Name of the model that the others are compared with; null compares none.</param>
    public EvaluationResult Of(IReadOnlyList<Answers> answers, string? reference, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(answers);
        var groups = answers.GroupBy(a => (a.Model, a.IsReRanked)).Select(group => group.ToList()).ToList();
        var series =
            groups.Select(
                group => Measures.All.Select(measure => UserSeries.Of(_users, Results(group).Where(HasHistory), measure.Of)).ToArray())
                    .ToArray();
        var means = Bootstrap.Means([.. series.SelectMany(of => of)], _rounds, _seed, ct);
        var draws = groups.Select((_, g) => means.AsSpan(g * Measures.All.Count, Measures.All.Count).ToArray()).ToArray();
        var referred = groups.FindIndex(group => group[0].Model == reference && !group[0].IsReRanked);
        return new(
            [.. _splits.Select(SplitSummary.Of)],
            [.. groups.Select((group, g) => Of(group, draws[g]) with
            {
                Difference = referred < 0
                    || g == referred ? null : Difference(group[0].Model, series[g], draws[g], series[referred], draws[referred]),
            })]);
    }

    private ModelResult Of(List<Answers> group, double[][] draws)
    {
        var all = Results(group).ToList();
        var empty = all.Where(result => !HasHistory(result)).ToList();
        var decisions = Calibration.Decisions(all);
        return new()
        {
            Name = group[0].Model,
            IsRecipe = group[0].IsRecipe,
            IsReRanked = group[0].IsReRanked,
            Seeds = [.. group.Select(answers => answers.Seed).OfType<int>()],
            FitSeconds = group.Average(answers => answers.FitTime.TotalSeconds),
            WithHistory = Group("with history", all.Where(HasHistory), group, draws),
            WithoutHistory = empty.Count == 0 ? null : Group("without history", empty),
            BySeed = [.. group.Where(answers => answers.Seed is not null).Select(answers => Group($"seed {answers.Seed}", Results([answers]).Where(HasHistory), [answers]))],
            BySplit = _splits.Count == 1
                ? [] : [.. _splits.Select(
                    (split, s) => Group(split.Name, group.SelectMany(answers => answers.BySplit[s]).Where(HasHistory)))],
            ByActivity =
                [.. Buckets.Activity.Select(
                    (bucket, b) =>
                        Group(bucket.Name, all.Where(result => HasHistory(result) && Buckets.OfActivity(result.HistoryLikes) == b)))
                .Where(bucket => bucket.Queries > 0)],
            ByPopularity =
                [.. Buckets.Popularity.Select(
                    (bucket, b) =>
                        Recall(bucket, all.Where(HasHistory).Where(result => result.RecallByPopularity[b] is not null).ToList(), b))],
            Calibration = Calibration.Bin(decisions),
            ProbabilityErrors = Calibration.Errors(decisions),
            Scores = ScoreDistribution.Of(group),
            Curves =
                [.. group.SelectMany(answers => answers.Curves.Select((curve, s) => (answers.Seed, Curve: curve, Split: _splits[s].Name)))
                .Where(curve => curve.Curve is not null).Select(
                    curve => new LearningCurve(curve.Seed ?? 0, curve.Split, curve.Curve!.BestEpoch, curve.Curve.Epochs))],
        };
    }

    private GroupResult Group(string name, IEnumerable<QueryResult> results, List<Answers>? coverage = null, double[][]? draws = null)
    {
        var list = results.ToList();
        var metrics = new OrderedDictionary<string, Estimate>();
        for (var m = 0; m < Measures.All.Count; m++)
        {
            var mean = UserSeries.Of(_users, list, Measures.All[m].Of).Mean();
            if (double.IsFinite(mean)) metrics.Add(Measures.All[m].Name, Bounded(mean, draws?[m]));
        }

        if (coverage is not null) metrics.Add(Measures.Coverage, new(coverage.Average(Coverage)));
        return new(name, list.Count, metrics);
    }

    private static GroupResult Recall(string name, List<QueryResult> results, int bucket) => new(
        name, results.Count,
        results.Count == 0 ? new Dictionary<string, Estimate>() : new() { ["recall_20"] = new(results.Average(result => result.RecallByPopularity[bucket]!.Value)) });

    private static GroupResult Difference(string name, UserSeries[] own, double[][] ownDraws, UserSeries[] other, double[][] otherDraws)
    {
        var metrics = new OrderedDictionary<string, Estimate>();
        for (var m = 0; m < Measures.All.Count; m++)
        {
            var difference = own[m].Mean() - other[m].Mean();
            if (double.IsFinite(difference)) metrics.Add(
                Measures.All[m].Name, Bounded(difference, ownDraws[m].Zip(otherDraws[m], (a, b) => a - b)));
        }

        return new(name, own[0].Counts.Sum(), metrics);
    }

    private static Estimate Bounded(double mean, IEnumerable<double>? draws) =>
        Bootstrap.Interval(draws ?? []) is var (low, high) ? new(mean, low, high) : new(mean);

    // Mean over the splits, each with items of its own.
    private double Coverage(Answers answers) => _splits.Select((split, s) =>
        answers.BySplit[s].SelectMany(result => result.Top.Take(Core.Quality.Metrics.Shown)).Select(top => top.Item).Distinct().Count() / (
            double)split.RankedCount).Average();

    private static IEnumerable<QueryResult> Results(IEnumerable<Answers> group) =>
        group.SelectMany(answers => answers.BySplit).SelectMany(results => results);

    private static bool HasHistory(QueryResult result) => result.HistoryDecisions > 0;
}
