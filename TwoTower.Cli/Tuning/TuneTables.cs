using System.Text.Json.Nodes;
using Spectre.Console;
using TwoTower.Cli.Evaluation;
using TwoTower.Cli.Output;
using TwoTower.Evaluation.Tuning;

namespace TwoTower.Cli.Tuning;

/// <summary>Trials for people.</summary>
internal static class TuneTables
{
    private const int Shown = 10;

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

    /// <summary>The best trials and the recipe itself.</summary>
    /// <param name="terminal">Where.</param>
    /// <param name="ranked">All trials, the best one first.</param>
    /// <param name="goal">What they are ranked by.</param>
    public static void Show(Terminal terminal, IReadOnlyList<Trial> ranked, Goal goal)
    {
        var own = ranked.First(trial => trial.Number == 0);
        MetricColumn[] columns = [.. MetricColumn.All.Append(Goal.FitSeconds).Where(metric => own.Metrics.ContainsKey(metric.Name)).Where(metric => metric.Better != 0 || goal.Metrics.Contains(metric))];
        var table = new Table().Border(TableBorder.Simple).AddColumn(new TableColumn("trial").RightAligned());
        foreach (var column in columns) table.AddColumn(new TableColumn(Markup.Escape(column.Title)).RightAligned());
        table.AddColumn("fulfils").AddColumn("what is set otherwise than in the recipe");
        foreach (var trial in ranked.Take(Shown).Union([own]))
        {
            table.AddRow(
            [
                new Text($"{trial.Number}"),
                .. columns.Select(column => new Text(trial.Metrics.TryGetValue(column.Name, out var value) ? value.ToString(column.Format) : "")),
                new Text(trial.Failed is not null ? "failed" : goal.IsMetBy(trial) ? "yes" : "no"),
                new Text(trial.Number == 0 ? "nothing: the recipe itself" : Otherwise(trial.Settings, own.Settings)),
            ]);
        }

        terminal.Show(table);
        if (ranked.Count > Shown) terminal.Say($"the best {Shown} of {Amounts.Count(ranked.Count)}");
    }

    private static string Otherwise(JsonObject settings, JsonObject own) => string.Join(
        ' ', settings.Where(pair => !JsonNode.DeepEquals(pair.Value, own[pair.Key])).Select(pair => $"{pair.Key}={pair.Value?.ToJsonString()}"));
}
