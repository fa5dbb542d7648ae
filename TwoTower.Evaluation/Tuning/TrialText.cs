namespace TwoTower.Evaluation.Tuning;

/// <summary>Trials in a sentence.</summary>
internal static class TrialText
{
    /// <summary>What came of a trial, and the best so far.</summary>
    public static string Line(Trial trial, IReadOnlyList<Trial> all, Goal goal)
    {
        var missed = trial.Failed is null ? goal.Requirements.Where(requirement => requirement.MissedBy(trial) > 0).ToList() : [];
        return $"trial {trial.Number}: {trial.Failed ?? Values(trial, goal)}{(missed.Count > 0 ? $", misses {string.Join(" and ", missed)}" : "")}; {Best(all, goal)}";
    }

    /// <summary>The best so far.</summary>
    public static string Best(IReadOnlyList<Trial> trials, Goal goal) => goal.BestFirst(trials)[0] is var best && goal.IsMetBy(best)
        ? $"best so far: trial {best.Number} ({Values(best, goal)})"
        : $"none fulfils {string.Join(" and ", goal.Requirements)} so far";

    /// <summary>The goal's metrics: recall@20 0.371, uAUC 0.809.</summary>
    public static string Values(Trial trial, Goal goal) =>
        string.Join(", ", goal.Metrics.Select(metric => $"{metric.Title} {trial.Metrics[metric.Name].ToString(metric.Format)}"));
}
