using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;

namespace TwoTower.ServiceDefaults.Health;

/// <summary>
/// One line when a check's status changes. The framework's own line at every probe is off (<see cref="FrameworkLog"/>): a deployment without a
/// release would warn every few seconds, and nobody reads such a log.
/// </summary>
internal sealed partial class HealthChanges(ILogger<HealthChanges> log)
{
    /// <summary>The category of the framework's lines; a level of one's own in the settings brings them back.</summary>
    public const string FrameworkLog = "Microsoft.Extensions.Diagnostics.HealthChecks";

    private readonly Lock _lock = new();
    private readonly Dictionary<string, HealthStatus> _last = [];

    /// <summary>Notes what a probe found.</summary>
    public void Note(HealthReport report)
    {
        lock (_lock)
        {
            foreach (var (name, entry) in report.Entries)
            {
                // A check that was never asked counts as healthy: only what is wrong is news.
                if (_last.GetValueOrDefault(name, HealthStatus.Healthy) == entry.Status) continue;
                _last[name] = entry.Status;
                if (entry.Status == HealthStatus.Healthy) LogHealthy(name);
                else LogNotHealthy(
                    entry.Status == HealthStatus.Unhealthy ? LogLevel.Error : LogLevel.Warning, name, entry.Status, entry.Description
                        ?? entry.Exception?.Message, entry.Exception);
            }
        }
    }

    [LoggerMessage(Message = "Health check {Check} is {Status} from now on: {Reason}")]
    private partial void LogNotHealthy(LogLevel level, string check, HealthStatus status, string? reason, Exception? exception);

    [LoggerMessage(Level = LogLevel.Information, Message = "Health check {Check} is healthy again")]
    private partial void LogHealthy(string check);
}
