using TwoTower.Core.Formats;
using TwoTower.Evaluation.Live;
using TwoTower.Evaluation.Results;

namespace TwoTower.Evaluation.Report;

/// <summary>The page's tables, from an evaluation's numbers. Each row says the seeds and the time to fit, each table the rest.</summary>
internal sealed class ReportTables(Evaluated evaluation)
{
    private readonly string _about = string.Join(
        " · ", new[] { evaluation.Data, evaluation.Protocol, evaluation.Split, evaluation.Cores == 1 ? "1 core" : $"{evaluation.Cores} cores" }.OfType<string>());

    /// <summary>A contender as tables and plots call it.</summary>
    public static string NameOf(ContenderResult contender) => contender.Name + (contender.IsReRanked ? ", re-ranked" : "");

    /// <summary>All metrics of a group of queries.</summary>
    /// <param name="title">Which.</param>
    /// <param name="of">The group of a contender; null: it has none.</param>
    /// <param name="best">Mark the best of each column: not among differences.</param>
    public string Metrics(string title, Func<ContenderResult, GroupResult?> of, bool best = true)
    {
        var shown = evaluation.Contenders.Where(contender => of(contender) is not null).ToList();
        var columns = MetricColumn.All.Where(column => shown.Exists(contender => of(contender)!.Metrics.ContainsKey(column.Name))).ToList();
        var table = new ReportTable(title, _about, ["model", .. columns.Select(column => column.Title), "seeds", "to fit"]);
        foreach (var contender in shown)
        {
            table.Add(NameOf(contender), contender.IsRecipe,
            [
                .. columns.Select(column => of(contender)!.Metrics.TryGetValue(column.Name, out var value)
                    ? new Cell(column.Show(value, interval: true), best && column.Better != 0 && value.Mean == Best(column)) : new("")),
                .. Fit(contender),
            ]);
        }

        return table.ToHtml();

        double Best(MetricColumn column)
        {
            var means = shown.Select(contender => of(contender)!.Metrics).Where(metrics => metrics.ContainsKey(column.Name)).Select(metrics => metrics[column.Name].Mean);
            return column.Better > 0 ? means.Max() : means.Min();
        }
    }

    /// <summary>All metrics of several groups of each contender: its seeds.</summary>
    public string Groups(string title, Func<ContenderResult, IReadOnlyList<GroupResult>> of)
    {
        var rows = evaluation.Contenders.SelectMany(contender => of(contender).Select(group => (Contender: contender, Group: group))).ToList();
        var columns = MetricColumn.All.Where(column => rows.Exists(row => row.Group.Metrics.ContainsKey(column.Name))).ToList();
        var table = new ReportTable(title, _about, ["model", "", .. columns.Select(column => column.Title), "to fit\nmean of the seeds"]);
        foreach (var (contender, group) in rows)
        {
            table.Add(NameOf(contender), contender.IsRecipe,
            [
                new(group.Name),
                .. columns.Select(column => new Cell(group.Metrics.TryGetValue(column.Name, out var value) ? column.Show(value, interval: false) : "")),
                Fit(contender)[1],
            ]);
        }

        return table.ToHtml();
    }

    /// <summary>Recall@20 by groups of queries.</summary>
    public string Recalls(string title, Func<ContenderResult, IReadOnlyList<GroupResult>> of)
    {
        var first = evaluation.Contenders[0];
        var table = new ReportTable(
            title, _about,
            ["model", .. of(first).Select(group => $"{group.Name}\n{Amounts.Count(group.Queries / Math.Max(1, first.Seeds.Count))} queries"), "seeds", "to fit"]);
        foreach (var contender in evaluation.Contenders)
        {
            table.Add(NameOf(contender), contender.IsRecipe,
                [.. of(contender).Select(group => new Cell(group.Metrics.TryGetValue("recall_20", out var recall) ? $"{recall.Mean:0.000}" : "")), .. Fit(contender)]);
        }

        return table.ToHtml();
    }

    /// <summary>A recipe by the live API and by an exact search.</summary>
    public string Live(LiveResult live)
    {
        var columns = MetricColumn.All.Where(column => live.Exact.Metrics.ContainsKey(column.Name)).ToList();
        var contender = evaluation.Contenders.First(of => of.Name == live.Contender && !of.IsReRanked);
        var table = new ReportTable(
            $"{live.Contender}, the live API", $"{_about} · {live.Contender}, seed {live.Seed}, fitted in {Fit(contender)[1].Text} · {Amounts.Count(live.Viewers)} viewers",
            ["search", .. columns.Select(column => column.Title)]);
        foreach (var (name, group) in new[] { ("exact", live.Exact), ("live", live.Live), ("loss", live.Loss) })
        {
            table.Add(name, name == "live", columns.Select(column => new Cell(column.Show(group.Metrics[column.Name], interval: true))));
        }

        return table.ToHtml();
    }

    /// <summary>What a recipe's probabilities are worth.</summary>
    public string Calibration(ContenderResult contender)
    {
        var table = new ReportTable(
            $"{NameOf(contender)}, calibration", $"{_about} · {contender.Name}, seeds {Fit(contender)[0].Text}, fitted in {Fit(contender)[1].Text}",
            ["tenth of the held-out decisions", "probability shown", "share of likes", "decisions"]);
        foreach (var (i, bin) in contender.Calibration.Index())
        {
            table.Add($"{i + 1}", false, [new($"{bin.Predicted:0.000}"), new($"{bin.Observed:0.000}"), new(Amounts.Count(bin.Decisions))]);
        }

        return table.ToHtml();
    }

    private static Cell[] Fit(ContenderResult contender) =>
        [new(contender.Seeds.Count == 0 ? "–" : string.Join(", ", contender.Seeds)), new(Amounts.Time(TimeSpan.FromSeconds(contender.FitSeconds)))];
}
