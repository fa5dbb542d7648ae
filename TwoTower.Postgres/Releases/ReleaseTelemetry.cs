using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace TwoTower.Postgres.Releases;

/// <summary>Traces and metrics of the registry, source and meter <c>TwoTower.Releases</c>.</summary>
internal static class ReleaseTelemetry
{
    /// <summary>Name of the source and of the meter.</summary>
    public const string Name = "TwoTower.Releases";

    private static readonly Meter Meter = new(Name);
    private static readonly ActivitySource Source = new(Name);

    private static readonly Counter<long> Transitions = Meter.CreateCounter<long>(
        "twotower.releases.transitions", "{transition}", "Releases registered, moved or activated, by the state that they came into; a repeated move counts again");

    private static readonly Counter<long> Gates = Meter.CreateCounter<long>(
        "twotower.releases.gate.runs", "{run}", "Runs of the gate, by what it decided");

    private static readonly Counter<long> Rollbacks = Meter.CreateCounter<long>(
        "twotower.releases.automatic_rollbacks", "{rollback}", "Activations that were undone by themselves, by the rule that said so");

    internal static void RolledBack(string rule) => Rollbacks.Add(1, new KeyValuePair<string, object?>("rule", rule));

    internal static void Gated(bool passed) => Gates.Add(1, new KeyValuePair<string, object?>("outcome", passed ? "passed" : "failed"));

    internal static void Entered(ReleaseState state) =>
        Transitions.Add(1, new KeyValuePair<string, object?>("state", ReleaseRow.Name(state)));

    /// <summary>Links a span to the training that made a release, which is a trace of its own.</summary>
    /// <param name="span">The span; null where nobody listens.</param>
    /// <param name="traceParent">The release's <see cref="Release.TraceParent"/>.</param>
    public static void LinkToTraining(this Activity? span, string? traceParent)
    {
        if (span is not null && ActivityContext.TryParse(traceParent, null, isRemote: true, out var training)
            && training.TraceId != span.TraceId)
        {
            span.AddLink(new(training));
        }
    }

    internal static Activity? Begin(string what, string? modelVersion) =>
        Source.StartActivity(what)?.SetTag("twotower.model_version", modelVersion);
}
