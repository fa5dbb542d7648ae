using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace TwoTower.ServiceDefaults.Health;

/// <summary>
/// Asks what the process needs, for all who want to know at the same time: one probe is under way at a time. Nobody who leaves cancels it,
/// and nobody waits longer than <see cref="Patience"/>: a database that hangs costs a few threads, however many ask.
/// </summary>
internal sealed class ReadyProbe(HealthCheckService checks, HealthChanges changes, TimeProvider time)
{
    /// <summary>How long somebody waits; then the answer is that it isn't ready.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();
    private Task<HealthReport>? _underWay;

    /// <summary>The report of the probe that is under way, or of a new one.</summary>
    /// <param name="left">Whoever asks has left; the probe goes on.</param>
    public async Task<HealthReport> AskAsync(CancellationToken left)
    {
        var started = time.GetTimestamp();
        Task<HealthReport> probe;
        lock (_lock)
        {
            if (_underWay is null or { IsCompleted: true }) _underWay = Task.Run(RunAsync, CancellationToken.None);
            probe = _underWay;
        }

        try
        {
            return await probe.WaitAsync(Patience, time, left);
        }
        catch (TimeoutException) when (!probe.IsCompleted)
        {
            var entry = new HealthReportEntry(
                HealthStatus.Unhealthy, $"no answer within {Patience.TotalSeconds:0} s: the database is silent, or very busy",
                time.GetElapsedTime(started), null, null);
            return new(new Dictionary<string, HealthReportEntry> { ["probe"] = entry }, entry.Duration);
        }
    }

    private async Task<HealthReport> RunAsync()
    {
        var report = await checks.CheckHealthAsync(check => check.Tags.Contains(HealthTags.Ready), CancellationToken.None);
        changes.Note(report);
        return report;
    }
}
