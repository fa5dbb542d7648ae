using TwoTower.Core.Formats;
using TwoTower.Evaluation.Live;
using TwoTower.Evaluation.Results;

namespace TwoTower.Evaluation.Report;

/// <summary>The page's tables, from an evaluation's numbers. Each row says the seeds and the time to fit, each table the rest.</summary>
internal sealed class ReportTables(Evaluated evaluation)
{
    private readonly string _about = string.Join(
        " · ", new[] { evaluation.Data, evaluation.Protocol, evaluation.Split, evaluation.Cores == 1 ? "1 core" : $"{evaluation.Cores} cores" }.OfType<string>());

    /// <summary>A model as tables and plots call it.</summary>
    public static string NameOf(ModelResult model) => model.Name + (model.IsReRanked ? ", re-ranked" : "");

    /// <summary>All metrics of a group of queries.</summary>
    /// <param name="of">The group of a model; null: it has none.</param>
    /// <param name="best">Mark the best of each column: not among differences.</param>
    public string Metrics(string title, Func<ModelResult, GroupResult?> of, bool best = true)
    {
        var shown = evaluation.Models.Where(model => of(model) is not null).ToList();
        var columns = MetricColumn.All.Where(column => shown.Exists(model => of(model)!.Metrics.ContainsKey(column.Name))).ToList();
        var table = new ReportTable(title, _about, ["model", .. columns.Select(column => column.Title), "seeds", "to fit"]);
        foreach (var model in shown)
        {
            table.Add(NameOf(model), model.IsRecipe,
            [
                .. columns.Select(column => of(model)!.Metrics.TryGetValue(column.Name, out var value)
                    ? new Cell(column.Show(value, interval: true), best && column.Better != 0 && value.Mean == Best(column)) : new("")),
                .. Fit(model),
            ]);
        }

        return table.ToHtml();

        double Best(MetricColumn column)
        {
            var means =
                shown.Select(model => of(model)!.Metrics).Where(metrics => metrics.ContainsKey(column.Name)).Select(
                    metrics => metrics[column.Name].Mean);
            return column.Better > 0 ? means.Max() : means.Min();
        }
    }

    /// <summary>All metrics of several groups of each model: its seeds.</summary>
    public string Groups(string title, Func<ModelResult, IReadOnlyList<GroupResult>> of)
    {
        var rows = evaluation.Models.SelectMany(model => of(model).Select(group => (Model: model, Group: group))).ToList();
        var columns = MetricColumn.All.Where(column => rows.Exists(row => row.Group.Metrics.ContainsKey(column.Name))).ToList();
        var table = new ReportTable(title, _about, ["model", "", .. columns.Select(column => column.Title), "to fit\nmean of the seeds"]);
        foreach (var (model, group) in rows)
        {
            table.Add(NameOf(model), model.IsRecipe,
            [
                new(group.Name),
                .. columns.Select(column => new Cell(group.Metrics.TryGetValue(column.Name, out var value) ? column.Show(value, interval: false) : "")),
                Fit(model)[1],
            ]);
        }

        return table.ToHtml();
    }

    /// <summary>Recall@20 by groups of queries.</summary>
    public string Recalls(string title, Func<ModelResult, IReadOnlyList<GroupResult>> of)
    {
        var first = evaluation.Models[0];
        var table = new ReportTable(
            title, _about,
            ["model", .. of(first).Select(group => $"{group.Name}\n{Amounts.Count(group.Queries / Math.Max(1, first.Seeds.Count))} queries"), "seeds", "to fit"]);
        foreach (var model in evaluation.Models)
        {
            table.Add(NameOf(model), model.IsRecipe,
                [.. of(model).Select(group => new Cell(group.Metrics.TryGetValue("recall_20", out var recall) ? $"{recall.Mean:0.000}" : "")), .. Fit(model)]);
        }

        return table.ToHtml();
    }

    /// <summary>A recipe by the live API and by an exact search.</summary>
    public string Live(LiveResult live)
    {
        var columns = MetricColumn.All.Where(column => live.Exact.Metrics.ContainsKey(column.Name)).ToList();
        var model = evaluation.Models.First(of => of.Name == live.Model && !of.IsReRanked);
        var table = new ReportTable(
            $"{live.Model}, the live API", $"{_about} · {live.Model}, seed {live.Seed}, fitted in {Fit(model)[1].Text} · {Amounts.Count(live.Users)} users",
            ["search", .. columns.Select(column => column.Title)]);
        foreach (var (name, group) in new[] { ("exact", live.Exact), ("live", live.Live), ("loss", live.Loss) })
        {
            table.Add(name, name == "live", columns.Select(column => new Cell(column.Show(group.Metrics[column.Name], interval: true))));
        }

        return table.ToHtml();
    }

    /// <summary>What a recipe's probabilities are worth.</summary>
    public string Calibration(ModelResult model)
    {
        var table = new ReportTable(
            $"{NameOf(model)}, calibration", $"{_about} · {model.Name}, seeds {Fit(model)[0].Text}, fitted in {Fit(model)[1].Text}",
            ["tenth of the held-out decisions", "probability shown", "share of likes", "decisions"]);
        foreach (var (i, bin) in model.Calibration.Index())
        {
            table.Add($"{i + 1}", false, [new($"{bin.Predicted:0.000}"), new($"{bin.Observed:0.000}"), new(Amounts.Count(bin.Decisions))]);
        }

        return table.ToHtml();
    }

    private static Cell[] Fit(ModelResult model) =>
        [new(model.Seeds.Count == 0 ? "–" : string.Join(", ", model.Seeds)), new(Amounts.Time(TimeSpan.FromSeconds(model.FitSeconds)))];
}
