using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace TwoTower.Embedder;

/// <summary>Traces and metrics of embedding: source and meter <c>TwoTower.Embedding</c>.</summary>
public static class EmbedTelemetry
{
    /// <summary>Name of both.</summary>
    public const string Name = "TwoTower.Embedding";

    internal static readonly ActivitySource Source = new(Name);
    private static readonly Meter Meter = new(Name);

    internal static readonly Counter<long> Rows =
        Meter.CreateCounter<long>("twotower.embedding.rows", "{video}", "Vectors written.");

    internal static readonly Histogram<double> StageSeconds =
        Meter.CreateHistogram<double>("twotower.embedding.stage.duration", "s", "Time of a stage of embedding a release.");

    private static long s_lag;

    private static readonly ObservableGauge<long> Lag = Meter.CreateObservableGauge(
        "twotower.embedding.lag", () => Interlocked.Read(ref s_lag), "{video}", "Videos without a vector in the active release.");

    internal static void SetLag(long videos)
    {
        _ = Lag;
        Interlocked.Exchange(ref s_lag, videos);
    }
}
