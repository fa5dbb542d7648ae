using OxyPlot;
using OxyPlot.Axes;
using OxyPlot.Series;
using TwoTower.Evaluation.Results;

namespace TwoTower.Evaluation.Report;

/// <summary>The page's plots, from an evaluation's numbers.</summary>
internal static class Plots
{
    /// <summary>Each model's mean of a metric with its interval; recipes in colour.</summary>
    public static Plot Means(IReadOnlyList<ModelResult> models, MetricColumn metric)
    {
        var shown = models.Where(model => model.WithHistory.Metrics.ContainsKey(metric.Name)).ToList();
        var plot = PlotStyle.NewPlot();
        plot.Axes.Add(PlotStyle.Numbers(AxisPosition.Bottom, metric.Title));
        var names = PlotStyle.Categories(AxisPosition.Left, shown.Select(ReportTables.NameOf));
        (names.StartPosition, names.EndPosition) = (1, 0);
        plot.Axes.Add(names);
        for (var row = 0; row < shown.Count; row++)
        {
            var value = shown[row].WithHistory.Metrics[metric.Name];
            var colour = shown[row].IsRecipe ? PlotStyle.Series(0) : PlotStyle.Muted;
            if (value is { Low: { } low, High: { } high })
            {
                plot.Series.Add(new LineSeries { Color = colour, StrokeThickness = 2, Points = { new(low, row), new(high, row) } });
            }

            plot.Series.Add(
                new ScatterSeries
                {
                    MarkerType = MarkerType.Circle,
                    MarkerSize = 4.5,
                    MarkerFill = colour,
                    Points = { new(value.Mean, row) }
                });
        }

        return new(
            metric.Title, metric.Better < 0 ? "less is better; lines are 95 % intervals" : "more is better; lines are 95 % intervals",
            string.Join("; ", shown.Select(model => $"{ReportTables.NameOf(model)} {model.WithHistory.Metrics[metric.Name].Mean.ToString(metric.Format)}")),
            plot, 70 + 30 * shown.Count);
    }

    /// <summary>Losses by epoch, every seed and split.</summary>
    public static Plot Curves(ModelResult model)
    {
        var plot = PlotStyle.NewPlot(legend: true);
        var epochs = PlotStyle.Numbers(AxisPosition.Bottom, "epoch", "0");
        epochs.MinimumMajorStep = 1;
        plot.Axes.Add(epochs);
        plot.Axes.Add(PlotStyle.Numbers(AxisPosition.Left, "loss", "0.####"));
        var kept = new ScatterSeries { Title = "kept", MarkerType = MarkerType.Circle, MarkerSize = 4.5, MarkerFill = PlotStyle.Series(1) };
        foreach (var (i, curve) in model.Curves.Index())
        {
            plot.Series.Add(Line(i == 0 ? "training" : null, PlotStyle.Series(0), LineStyle.Dash, curve.Epochs.Select(epoch => new DataPoint(epoch.Epoch, epoch.TrainingLoss))));
            plot.Series.Add(Line(i == 0 ? "validation" : null, PlotStyle.Series(1), LineStyle.Solid, curve.Epochs.Select(epoch => new DataPoint(epoch.Epoch, epoch.ValidationLoss))));
            kept.Points.AddRange(
                curve.Epochs.Where(epoch => epoch.Epoch == curve.BestEpoch).Select(
                    epoch => new ScatterPoint(epoch.Epoch, epoch.ValidationLoss)));
        }

        plot.Series.Add(kept);
        return new(
            model.Name, model.Curves.Count == 1 ? "loss by epoch" : $"loss by epoch, {model.Curves.Count} trainings",
            string.Join("; ", model.Curves.Select(curve =>
                $"seed {curve.Seed}, {curve.Split}: {curve.Epochs.Count} epochs, validation loss from {curve.Epochs[0].ValidationLoss:0.0000} to "
                + $"{curve.Epochs.FirstOrDefault(epoch => epoch.Epoch == curve.BestEpoch, curve.Epochs[^1]).ValidationLoss:0.0000} in epoch {curve.BestEpoch}")),
            plot);
    }

    /// <summary>Recall@20 by group, a line a model.</summary>
    public static Plot Recalls(
        string title, string note, IReadOnlyList<ModelResult> models, Func<ModelResult, IReadOnlyList<GroupResult>> groups)
    {
        var plot = PlotStyle.NewPlot(legend: true);
        var names = groups(models[0]).Select(group => group.Name).ToList();
        plot.Axes.Add(PlotStyle.Categories(AxisPosition.Bottom, names.Select(Wrapped)));
        plot.Axes.Add(PlotStyle.Numbers(AxisPosition.Left, "recall@20"));
        foreach (var (i, model) in models.Index())
        {
            var line = Line(
                ReportTables.NameOf(model), PlotStyle.Series(i), model.IsRecipe ? LineStyle.Solid : LineStyle.Dot,
                groups(model).Select((group, g) => (group, g)).Where(of => of.group.Metrics.ContainsKey("recall_20"))
                    .Select(of => new DataPoint(of.g, of.group.Metrics["recall_20"].Mean)));
            (line.MarkerType, line.MarkerSize, line.MarkerFill) = (PlotStyle.Marker(i), 4, PlotStyle.Series(i));
            plot.Series.Add(line);
        }

        return new(
            title, note,
            string.Join("; ", models.Select(model => $"{ReportTables.NameOf(model)}: "
                + string.Join(", ", groups(model).Where(group => group.Metrics.ContainsKey("recall_20")).Select(group => $"{group.Name} {group.Metrics["recall_20"].Mean:0.000}")))),
            plot, PlotStyle.Height + 18 * ((models.Count - 1) / 4));
    }

    /// <summary>Shares of held-out likes and of held-out nopes by score.</summary>
    public static Plot Scores(ModelResult model, ScoreDistribution scores)
    {
        var plot = PlotStyle.NewPlot(legend: true);
        plot.Axes.Add(PlotStyle.Numbers(AxisPosition.Bottom, "score", "0.##"));
        var shares = PlotStyle.Numbers(AxisPosition.Left, "share of them", "0%");
        (shares.AbsoluteMinimum, shares.MinimumPadding) = (0, 0);
        plot.Axes.Add(shares);
        plot.Series.Add(Area("likes", 0, LineStyle.Solid, scores.Likes));
        plot.Series.Add(Area("nopes", 1, LineStyle.Dash, scores.Nopes));
        var uauc = model.WithHistory.Metrics.TryGetValue("uauc", out var value) ? $"uAUC {value.Mean:0.000}" : "";
        return new(
            ReportTables.NameOf(model), uauc,
            $"{scores.Likes.Sum()} held-out likes score {Mean(scores.Likes):0.###} on average, {scores.Nopes.Sum()} held-out nopes {Mean(scores.Nopes):0.###}, "
            + $"between {scores.Low:0.###} and {scores.High:0.###}", plot);

        double Mean(IReadOnlyList<int> bins) =>
            bins.Select((count, bin) => count * (scores.Low + (bin + 0.5) * scores.Width)).Sum() / bins.Sum();

        AreaSeries Area(string title, int colour, LineStyle style, IReadOnlyList<int> bins)
        {
            var area = new AreaSeries
            {
                Title = title,
                Color = PlotStyle.Series(colour),
                Fill = OxyColor.FromAColor(50, PlotStyle.Series(colour)),
                LineStyle = style,
                StrokeThickness = 2,
                Color2 = OxyColors.Transparent,
            };
            for (var bin = 0; bin < bins.Count; bin++)
            {
                var share = bins[bin] / (double)bins.Sum();
                area.Points.Add(new(scores.Low + bin * scores.Width, share));
                area.Points.Add(new(scores.Low + (bin + 1) * scores.Width, share));
            }

            return area;
        }
    }

    /// <summary>Shares of likes among held-out decisions of about the same probability.</summary>
    public static Plot Calibrated(ModelResult model)
    {
        var plot = PlotStyle.NewPlot();
        foreach (var (position, title) in new[] { (AxisPosition.Bottom, "probability shown"), (AxisPosition.Left, "share of likes") })
        {
            var axis = PlotStyle.Numbers(position, title, "0.#");
            (axis.Minimum, axis.Maximum, axis.MajorStep) = (0, 1.02, 0.2);
            plot.Axes.Add(axis);
        }

        plot.Series.Add(Line(null, PlotStyle.Muted, LineStyle.Dash, [new(0, 0), new(1, 1)]));
        var line =
            Line(null, PlotStyle.Series(0), LineStyle.Solid, model.Calibration.Select(bin => new DataPoint(bin.Predicted, bin.Observed)));
        (line.MarkerType, line.MarkerSize, line.MarkerFill) = (MarkerType.Circle, 4, PlotStyle.Series(0));
        plot.Series.Add(line);
        return new(
            ReportTables.NameOf(model), "on the dashed line, what is shown is what happens",
            string.Join("; ", model.Calibration.Select(bin => $"shown {bin.Predicted:0.00}, liked {bin.Observed:0.00}")), plot);
    }

    private static LineSeries Line(string? title, OxyColor colour, LineStyle style, IEnumerable<DataPoint> points)
    {
        var line =
            new LineSeries { Title = title, Color = colour, LineStyle = style, StrokeThickness = 2, RenderInLegend = title is not null };
        line.Points.AddRange(points);
        return line;
    }

    // "100 likes and more" is wider than its place: a line for each half.
    private static string Wrapped(string label)
    {
        var cut = label.IndexOf(' ', label.Length / 2);
        return label.Length > 12 && cut > 0 ? $"{label[..cut]}\n{label[(cut + 1)..]}" : label;
    }
}
