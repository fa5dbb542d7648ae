using System.Globalization;
using TwoTower.Core;
using TwoTower.Evaluation.Results;

namespace TwoTower.Evaluation.Tuning;

/// <summary>What a search looks for: as much of some metrics as there is among the trials that fulfil every requirement.</summary>
/// <param name="Terms">What is added up: metrics and weights, negative where less is better.</param>
/// <param name="Requirements">What must hold besides.</param>
internal sealed record Goal(IReadOnlyList<(MetricColumn Metric, double Weight)> Terms, IReadOnlyList<Requirement> Requirements)
{
    /// <summary>What a recipe takes to train; to be bounded, not to be looked for.</summary>
    public static readonly MetricColumn FitSeconds = new("fit_seconds", "fit_seconds", "0.0", 0, "Seconds to train, all cuts together.");

    /// <summary>Every metric that goes into it.</summary>
    public IEnumerable<MetricColumn> Metrics =>
        Terms.Select(term => term.Metric).Concat(Requirements.Select(requirement => requirement.Metric)).Distinct();

    /// <summary>The terms as they are given.</summary>
    public string Objective => string.Join(",", Terms.Select(term => Math.Abs(term.Weight) == 1 ? term.Metric.Title : $"{Math.Abs(term.Weight)}*{term.Metric.Title}"));

    /// <summary>Reads <c>recall@20,2*ndcg@100</c> and <c>uauc&gt;=0.81</c>.</summary>
    /// <exception cref="InputException">No such metric, one that is neither good nor bad, or no number.</exception>
    public static Goal Parse(string objective, IReadOnlyList<string> requirements) =>
        new([.. objective.Split(',', StringSplitOptions.TrimEntries).Select(term => ReadTerm(term, objective))],
            [.. requirements.Select(Requirement.Parse)]);

    /// <summary>The metric of a name as tables show it or as JSON has it, in any case; null: there is none.</summary>
    public static MetricColumn? Named(string name) =>
        MetricColumn.All.Append(FitSeconds).FirstOrDefault(
            metric => new[] { metric.Title, metric.Name }.Contains(name, StringComparer.OrdinalIgnoreCase));

    /// <summary>How much of it a trial has; null for one without metrics.</summary>
    public double? Of(Trial trial) => trial.Failed is null ? Terms.Sum(term => term.Weight * trial.Metrics[term.Metric.Name]) : null;

    /// <summary>True for a trial that fulfils every requirement.</summary>
    public bool IsMetBy(Trial trial) => trial.Failed is null && Requirements.All(requirement => requirement.MissedBy(trial) == 0);

    /// <summary>The best one first: those that fulfil every requirement by the objective, then those that come nearest to it, then those
    /// that failed.</summary>
    public IReadOnlyList<Trial> BestFirst(IEnumerable<Trial> trials) =>
    [
        .. trials.OrderBy(trial => trial.Failed is null ? 0 : 1)
            .ThenBy(trial => trial.Failed is null ? Requirements.Sum(requirement => requirement.MissedBy(trial)) : 0)
            .ThenByDescending(Of).ThenBy(trial => trial.Number),
    ];

    /// <summary>Refuses metrics that a trial doesn't have: nobody's nopes are held out, or no video has a maker.</summary>
    /// <exception cref="InputException">One is missing.</exception>
    public void Check(Trial trial)
    {
        if (trial.Failed is null && Metrics.FirstOrDefault(metric => !trial.Metrics.ContainsKey(metric.Name)) is { } missing)
        {
            throw new InputException($"{missing.Title} can't be measured with these rows and this protocol: leave it out of --objective and --require");
        }
    }

    private static (MetricColumn, double) ReadTerm(string text, string all)
    {
        var parts = text.Split('*', 2, StringSplitOptions.TrimEntries);
        var weight = 1.0;
        if (parts.Length == 2
            && !(double.TryParse(parts[0], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out weight) && weight > 0))
        {
            throw new InputException($"--objective {all}: '{parts[0]}' is no weight; write it like 2*ndcg@100");
        }

        var metric = Named(parts[^1]) ?? throw Unknown("--objective", all, parts[^1], metric => metric.Better != 0);
        return metric.Better != 0
            ? (metric, weight * metric.Better)
            : throw new InputException($"--objective {all}: {metric.Title} is neither good nor bad by itself; bound it with --require '{metric.Title}<=…' instead");
    }

    internal static InputException Unknown(string option, string given, string name, Func<MetricColumn, bool> fits) => new(
        $"{option} {given}: there is no metric '{name}'; known are {string.Join(", ", MetricColumn.All.Append(FitSeconds).Where(fits).Select(metric => metric.Title))}");
}

/// <summary>A bound on a metric.</summary>
/// <param name="AtLeast">True: it must not be less; false: not more.</param>
/// <param name="Bound">Than this.</param>
internal sealed record Requirement(MetricColumn Metric, bool AtLeast, double Bound)
{
    /// <summary>Reads <c>uauc&gt;=0.81</c> or <c>nope@20&lt;=0.007</c>.</summary>
    /// <exception cref="InputException">It is neither.</exception>
    public static Requirement Parse(string text)
    {
        var parts = text.Split([">=", "<="], 2, StringSplitOptions.TrimEntries);
        if (parts.Length < 2 || !double.TryParse(parts[1], NumberStyles.Float, CultureInfo.InvariantCulture, out var bound)
            || !double.IsFinite(bound))
        {
            throw new InputException($"--require {text} is no bound of a metric: write it like 'uauc>=0.81' or 'nope@20<=0.007'");
        }

        var metric = Goal.Named(parts[0]) ?? throw Goal.Unknown("--require", text, parts[0], _ => true);
        return new(metric, text.Contains(">=", StringComparison.Ordinal), bound);
    }

    /// <summary>How far a trial misses the bound, as a share of it (of 1 where the bound is 0); 0 where it doesn't.</summary>
    public double MissedBy(Trial trial)
    {
        var value = trial.Metrics[Metric.Name];
        return Math.Max(0, AtLeast ? Bound - value : value - Bound) / (Bound == 0 ? 1 : Math.Abs(Bound));
    }

    public override string ToString() => $"{Metric.Title}{(AtLeast ? ">=" : "<=")}{Bound}";
}
