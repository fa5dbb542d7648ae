using Spectre.Console;
using TwoTower.Cli.Output;
using TwoTower.Core.Formats;
using TwoTower.Evaluation.Live;
using TwoTower.Evaluation.Report;
using TwoTower.Evaluation.Results;

namespace TwoTower.Cli.Evaluation;

/// <summary>An evaluation as tables for people.</summary>
internal static class EvaluationTables
{
    public static void Show(Terminal terminal, Evaluated evaluation)
    {
        terminal.Say($"{evaluation.Data}, {evaluation.Protocol}{(evaluation.Split is { } split ? $", {split}" : "")}; {evaluation.Cores} cores; in brackets 95 % by bootstrap over users");
        Show(terminal, "", evaluation.Models, model => model.WithHistory, intervals: true);
        Show(terminal, "users without a history", evaluation.Models, model => model.WithoutHistory, intervals: false);
        if (evaluation.Reference is { } reference) Show(terminal, $"difference to {reference}, paired", evaluation.Models, model => model.Difference, intervals: true);
        Recalls(terminal, "recall@20 by the user's likes in the history", evaluation.Models, model => model.ByActivity);
        Recalls(terminal, "recall@20 by the popularity of what is to be found", evaluation.Models, model => model.ByPopularity);
        Recalls(terminal, "recall@20 by cut", evaluation.Models, model => model.BySplit);
        Probabilities(terminal, evaluation.Models);
        foreach (var live in evaluation.Live ?? []) Show(terminal, live);
    }

    private static void Show(
        Terminal terminal, string title, IReadOnlyList<ModelResult> models, Func<ModelResult, GroupResult?> group, bool intervals)
    {
        var shown = models.Where(model => group(model) is not null).ToList();
        if (shown.Count == 0) return;
        var columns = MetricColumn.All.Where(column => shown.Exists(model => group(model)!.Metrics.ContainsKey(column.Name))).ToList();
        var table = New(title, ["model", .. columns.Select(column => column.Title), "to fit"]);
        foreach (var model in shown)
        {
            table.AddRow(
            [
                new Text(ReportTables.NameOf(model)),
                .. columns.Select(column => new Text(group(model)!.Metrics.TryGetValue(column.Name, out var value) ? column.Show(value, intervals) : "")),
                new Text(Amounts.Time(TimeSpan.FromSeconds(model.FitSeconds))),
            ]);
        }

        terminal.Show(table);
    }

    /// <summary>A suite as one table of each metric.</summary>
    public static void Show(Terminal terminal, EvaluatedSuite suite)
    {
        foreach (var (title, columns, rows) in suite.Tables())
        {
            var table = New(title, columns);
            foreach (var row in rows) table.AddRow([.. row.Select(text => new Text(text))]);
            terminal.Show(table);
        }
    }

    private static void Show(Terminal terminal, LiveResult live)
    {
        var columns = MetricColumn.All.Where(column => live.Exact.Metrics.ContainsKey(column.Name)).ToList();
        var table = New(
            $"{live.Model}, seed {live.Seed}: the live API for {Amounts.Count(live.Users)} users", ["", .. columns.Select(column => column.Title)]);
        foreach (var group in new[] { live.Exact, live.Live, live.Loss })
        {
            table.AddRow(
                [new Text(group.Name), .. columns.Select(column => new Text(column.Show(group.Metrics[column.Name], interval: true)))]);
        }

        terminal.Show(table);
        terminal.Say(
            $"overlap@20 {live.Overlap20.Mean:0.000}; the index answered {Amounts.Count(live.IndexSearches)} of {Amounts.Count(live.Searches)} searches; "
            + $"scores differ by {live.LargestScoreDifference:0.0e+0} at most; {live.MedianMs:0.0} ms a request, 95 % within {live.P95Ms:0.0} ms");
    }

    private static void Recalls(
        Terminal terminal, string title, IReadOnlyList<ModelResult> models, Func<ModelResult, IReadOnlyList<GroupResult>> groups)
    {
        var names = groups(models[0]).Select(group => $"{group.Name}\n{Amounts.Count(group.Queries / Math.Max(1, models[0].Seeds.Count))} queries").ToList();
        if (names.Count == 0) return;
        var table = New(title, ["model", .. names]);
        foreach (var model in models)
        {
            table.AddRow([new Text(ReportTables.NameOf(model)), .. groups(model).Select(group => new Text(group.Metrics.TryGetValue("recall_20", out var recall) ? $"{recall.Mean:0.000}" : ""))]);
        }

        terminal.Show(table);
    }

    private static void Probabilities(Terminal terminal, IReadOnlyList<ModelResult> models)
    {
        var shown = models.Where(model => model is { IsReRanked: false, ProbabilityErrors: not null }).ToList();
        if (shown.Count == 0) return;
        var table = New("probability of a like, held-out decisions", ["model", "log loss", "calibration error", "decisions"]);
        foreach (var model in shown)
        {
            var errors = model.ProbabilityErrors!;
            table.AddRow(ReportTables.NameOf(model), $"{errors.LogLoss:0.000}", $"{errors.CalibrationError:0.000}", Amounts.Count(errors.Decisions));
        }

        terminal.Show(table);
    }

    private static Table New(string title, IReadOnlyList<string> columns)
    {
        var table = new Table().Border(TableBorder.Simple).AddColumns([.. columns.Select(Markup.Escape)]);
        if (title.Length > 0) table.Title(Markup.Escape(title));
        foreach (var column in table.Columns.Skip(1)) column.RightAligned();
        return table;
    }
}
