using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace TwoTower.Training.Loop;

/// <summary>Spans <c>read</c>, <c>samples</c>, <c>features</c>, <c>epoch</c> and metrics of a training, all under one name.</summary>
internal static class TrainingTelemetry
{
    /// <summary>Name of the activity source and of the meter.</summary>
    public const string Name = "TwoTower.Training";

    private static readonly Meter Meter = new(Name);

    internal static ActivitySource Source { get; } = new(Name);

    // Gauges: a loss of .53 in a histogram's default buckets (0, 5, 10, …) reads as 5.
    internal static Gauge<double> Loss { get; } = Meter.CreateGauge<double>("twotower.training.loss", null, "Loss of the last epoch, by split.");

    internal static Gauge<double> SamplesPerSecond { get; } =
        Meter.CreateGauge<double>("twotower.training.rate", "{sample}/s", "Samples a second of the last epoch, evaluation included.");

    internal static Histogram<double> GradientNorm { get; } = Meter.CreateHistogram<double>(
        "twotower.training.gradient_norm", null, "Length of a step's gradient before clipping.",
        advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [.01, .02, .05, .1, .2, .5, 1, 2, 5, 10, 20, 50] });
}
