using System.Text.Json.Nodes;
using Spectre.Console;
using TwoTower.Cli.Output;
using TwoTower.Core.Formats;
using TwoTower.Evaluation.Results;
using TwoTower.Evaluation.Tuning;

namespace TwoTower.Cli.Evaluation;

/// <summary>Trials for people.</summary>
internal static class TuneTables
{
    private const int Shown = 10;

    /// <summary>The best trials and the recipe itself.</summary>
    /// <param name="ranked">All trials, the best one first.</param>
    /// <param name="goal">What they are ranked by.</param>
    public static void Show(Terminal terminal, IReadOnlyList<Trial> ranked, Goal goal)
    {
        var own = ranked.First(trial => trial.Number == 0);
        MetricColumn[] columns =
            [.. MetricColumn.All.Append(Goal.FitSeconds).Where(metric => own.Metrics.ContainsKey(metric.Name)).Where(
                metric => metric.Better != 0 || goal.Metrics.Contains(metric))];
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
