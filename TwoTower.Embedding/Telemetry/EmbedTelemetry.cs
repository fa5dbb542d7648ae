using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace TwoTower.Embedding.Telemetry;

/// <summary>Traces and metrics of embedding: source and meter <c>TwoTower.Embedding</c>.</summary>
internal static class EmbedTelemetry
{
    /// <summary>Name of the source and of the meter.</summary>
    public const string Name = "TwoTower.Embedding";

    internal static readonly ActivitySource Source = new(Name);
    private static readonly Meter Meter = new(Name);

    internal static readonly Counter<long> Rows =
        Meter.CreateCounter<long>("twotower.embedding.rows", "{video}", "Vectors written.");

    internal static readonly Histogram<double> StageSeconds =
        Meter.CreateHistogram<double>("twotower.embedding.stage.duration", "s", "Time of a stage of embedding a release.");

    internal static readonly Counter<long> Videos =
        Meter.CreateCounter<long>("twotower.embedding.followed", "{video}", "Changed videos brought up to date in every release that has vectors.");

    internal static readonly Counter<long> Failures =
        Meter.CreateCounter<long>("twotower.embedding.failures", "{attempt}", "Changed videos that couldn't be embedded, at each attempt.");

    internal static readonly Counter<long> Swept =
        Meter.CreateCounter<long>("twotower.embedding.swept", "{video}", "Videos that a sweep found to differ from their vectors.");

    internal static readonly Histogram<double> Delay =
        Meter.CreateHistogram<double>("twotower.embedding.delay", "s", "From a change of a video to its vectors.");

    private static long s_waiting;
    private static double s_oldest;

    private static readonly ObservableGauge<long> Lag = Meter.CreateObservableGauge(
        "twotower.embedding.lag", () => Interlocked.Read(ref s_waiting), "{video}", "Changed videos whose vectors are out of date.");

    private static readonly ObservableGauge<double> Oldest = Meter.CreateObservableGauge(
        "twotower.embedding.lag.age", () => Volatile.Read(ref s_oldest), "s", "Age of the oldest change that no vector has.");

    internal static void SetWaiting(long videos, double oldestSeconds)
    {
        _ = (Lag, Oldest);
        Interlocked.Exchange(ref s_waiting, videos);
        Volatile.Write(ref s_oldest, oldestSeconds);
    }
}
