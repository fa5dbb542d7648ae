using System.Text;
using TwoTower.Core.Formats;
using TwoTower.Evaluation.Results;
using static TwoTower.Evaluation.Report.ReportPage;

namespace TwoTower.Evaluation.Report;

/// <summary>An evaluation as one HTML page (<see cref="ReportPage"/>).</summary>
internal sealed class EvaluationPage
{
    private static readonly string[] Plotted = ["recall_20", "ndcg_100", "uauc", "nope_20"];

    private readonly Evaluated _evaluation;
    private readonly ReportTables _tables;
    private readonly StringBuilder _html = new();
    private int _plots;

    private EvaluationPage(Evaluated evaluation) => (_evaluation, _tables) = (evaluation, new(evaluation));

    /// <summary>Writes the file, whole or not at all.</summary>
    public static void Write(string path, Evaluated evaluation) => ReportPage.Write(path, Render(evaluation));

    /// <summary>The page's text.</summary>
    public static string Render(Evaluated evaluation) => new EvaluationPage(evaluation).Render();

    private string Render()
    {
        Facts();
        Models();
        Live();
        Curves();
        Buckets();
        Scores();
        Calibration();
        Meanings();
        return ReportPage.Frame(
            $"{_evaluation.Data}, {_evaluation.Protocol}", _html.ToString(), "twotower evaluate --report", _evaluation.EvaluatedAt);
    }

    private void Facts()
    {
        List<(string Name, string Value)> facts = [("data set", _evaluation.Data), ("protocol", _evaluation.Protocol)];
        if (_evaluation.Split is { } group) facts.Add(("asked", $"{group} users"));
        facts.AddRange([("cores", $"{_evaluation.Cores}"), ("evaluated", $"{_evaluation.EvaluatedAt.UtcDateTime:yyyy-MM-dd HH:mm} UTC")]);
        _html.Append("<dl class=\"facts\">\n");
        foreach (var (name, value) in facts) _html.Append($"<div><dt>{name}</dt><dd>{Text(value)}</dd></div>\n");
        _html.Append("</dl>\n");
        foreach (var split in _evaluation.Splits)
        {
            Paragraph(
                $"{split.Name}: {Amounts.Count(split.TrainingUsers)} users with {Amounts.Count(split.TrainingDecisions)} decisions to learn from; "
                + $"{Amounts.Count(split.Queries)} asked for {Amounts.Count(split.Targets)} likes among {Amounts.Count(split.RankedItems)} videos, as of "
                + $"{split.AsOf.UtcDateTime:yyyy-MM-dd}{(split.WithoutHistory > 0 ? $"; {Amounts.Count(split.WithoutHistory)} of them have no history and are shown apart" : "")}.");
        }
    }

    private void Models()
    {
        Section("Models",
            "Means over the users asked, and over the seeds where there are several. Small print is the 95 % interval by a bootstrap over "
                + "users; the best of a column is bold, and where intervals overlap it may be chance.");
        Figures(MetricColumn.All.Where(
            metric => Plotted.Contains(metric.Name) && _evaluation.Models.Any(model => model.WithHistory.Metrics.ContainsKey(metric.Name)))
            .Select(metric => Plots.Means(_evaluation.Models, metric)));
        _html.Append(_tables.Metrics("All models", model => model.WithHistory));
        _html.Append(_tables.Metrics("Users without a history", model => model.WithoutHistory));
        if (_evaluation.Reference is { } reference)
        {
            _html.Append(_tables.Metrics($"Difference to {reference}, paired", model => model.Difference, best: false));
        }

        if (_evaluation.Models.Any(model => model.BySeed.Count > 1)) _html.Append(_tables.Groups("Each seed alone", model => model.BySeed));
    }

    private void Live()
    {
        if (_evaluation.Live is not { Count: > 0 } results) return;
        Section("The live API",
            "The same queries over HTTP: features from the database, the release's tower, the search in its index. What is lost against an exact search for the same users is the price of the index.");
        foreach (var live in results)
        {
            _html.Append(_tables.Live(live));
            Paragraph(
                $"{live.Model}: {live.Overlap20.Mean:0.0%} of the exact first 20 are among the live first 20. The index answered {Amounts.Count(live.IndexSearches)} of "
                + $"{Amounts.Count(live.Searches)} searches; where it costs less, the database sorts exactly. Scores of the same video differ by {live.LargestScoreDifference:0.0e+0} at most. "
                + $"Half of the requests took {live.MedianMs:0.0} ms or less, 95 % of them {live.P95Ms:0.0} ms or less, one at a time on the evaluating machine.");
        }
    }

    private void Curves()
    {
        var recipes = _evaluation.Models.Where(model => !model.IsReRanked && model.Curves.Count > 0).ToList();
        if (recipes.Count == 0) return;
        Section("Learning curves", "A loss is of its recipe's own kind: compare epochs of one recipe, not recipes. The epoch that is marked was kept.");
        Figures(recipes.Select(Plots.Curves));
    }

    private void Buckets()
    {
        Section("Recall by bucket", "Who is served well, and with what.");
        List<(string Title, string Note, Func<ModelResult, IReadOnlyList<GroupResult>> Of)> parts =
        [
            ("By the user's activity", "likes in the history", model => model.ByActivity),
            ("By popularity", "of the videos that are to be found", model => model.ByPopularity),
            ("By cut", "share of the decisions before it", model => model.BySplit),
        ];
        parts.RemoveAll(part => part.Of(_evaluation.Models[0]).Count == 0);
        Figures(parts.Select(part => Plots.Recalls(part.Title, part.Note, _evaluation.Models, part.Of)));
        foreach (var (title, note, of) in parts) _html.Append(_tables.Recalls($"Recall@20 {char.ToLowerInvariant(title[0])}{title[1..]}: {note}", of));
    }

    private void Scores()
    {
        // Recipes first: they are what somebody wants to see.
        var shown = _evaluation.Models.Where(model => model.Scores is not null).OrderByDescending(model => model.IsRecipe).ToList();
        if (shown.Count == 0) return;
        Section("Likes against nopes", "Scores of held-out likes and nopes of the users asked. A score that tells them apart has its two hills apart.");
        Figures(shown.Select(model => Plots.Scores(model, model.Scores!)));
    }

    private void Calibration()
    {
        var shown = _evaluation.Models.Where(model => model.Calibration.Count > 0 && !model.IsReRanked).ToList();
        if (shown.Count == 0) return;
        Section("Calibration", "The probability that the product shows beside a score, against how many of the held-out decisions were likes, in tenths by that probability.");
        Figures(shown.Select(Plots.Calibrated));
        foreach (var model in shown)
        {
            _html.Append(_tables.Calibration(model));
            if (model.ProbabilityErrors is not { } errors) continue;
            Paragraph(
                $"{model.Name}: log loss {errors.LogLoss:0.000} (the mean of −ln of the probability of what was decided), expected calibration error "
                + $"{errors.CalibrationError:0.000} (the mean distance of what is shown and what was liked, over the tenths), {Amounts.Count(errors.Decisions)} decisions.");
        }
    }

    private void Meanings()
    {
        Section("What the columns mean", null);
        _html.Append("<dl class=\"meanings\">\n");
        foreach (var metric in MetricColumn.All) _html.Append($"<dt>{metric.Title}</dt><dd>{Text(metric.Meaning)}</dd>\n");
        _html.Append("<dt>to fit</dt><dd>From the tables to a model that answers, on the cores named; the mean of the seeds.</dd>\n</dl>\n");
    }

    private void Section(string title, string? text)
    {
        _html.Append($"<h2>{Text(title)}</h2>\n");
        if (text is not null) Paragraph(text);
    }

    private void Paragraph(string text) => _html.Append($"<p>{Text(text)}</p>\n");

    private void Figures(IEnumerable<Plot> plots)
    {
        _html.Append("<div class=\"figures\">\n");
        foreach (var plot in plots) _html.Append(plot.ToHtml($"plot-{++_plots}"));
        _html.Append("</div>\n");
    }
}
