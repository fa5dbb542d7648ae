using System.Diagnostics.Metrics;

namespace TwoTower.Postgres.Impressions;

/// <summary>Metrics of what is recorded of recommendations, meter <c>TwoTower.Impressions</c>.</summary>
internal static class ImpressionTelemetry
{
    /// <summary>Name of the meter.</summary>
    public const string Name = "TwoTower.Impressions";

    private static readonly Meter Meter = new(Name);

    private static readonly Counter<long> Rows = Meter.CreateCounter<long>(
        "twotower.impressions.recorded", "{impression}", "Recommended videos that were recorded");

    private static readonly Counter<long> Dropped = Meter.CreateCounter<long>(
        "twotower.impressions.dropped", "{answer}", "Answers of recorded users that weren't recorded, by reason: full, limit, lost");

    internal static void Recorded(long rows) => Rows.Add(rows);

    internal static void Lost(string reason, long answers) => Dropped.Add(answers, new KeyValuePair<string, object?>("reason", reason));
}
