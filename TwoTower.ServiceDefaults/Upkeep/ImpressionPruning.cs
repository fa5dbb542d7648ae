using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using TwoTower.Postgres.Connections;
using TwoTower.Postgres.Impressions;

namespace TwoTower.ServiceDefaults.Upkeep;

/// <summary>Keeps what is recorded of answers bounded. Any number of processes may.</summary>
internal sealed class ImpressionPruning(
    ImpressionRetention retention, TimeProvider time, ILogger<ImpressionPruning> logger) : BackgroundService
{
    private static readonly TimeSpan BetweenPrunings = TimeSpan.FromMinutes(10), AfterFailure = TimeSpan.FromSeconds(10);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var failing = false;
        try
        {
            while (true)
            {
                failing = !await PruneAsync(failing, stoppingToken);
                await Task.Delay(failing ? AfterFailure : BetweenPrunings, time, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The process is stopping.
        }
    }

    private async Task<bool> PruneAsync(bool failing, CancellationToken ct)
    {
        try
        {
            foreach (var day in await retention.PruneAsync(ct)) logger.LogInformation("Dropped the impressions of {Day:yyyy-MM-dd}", day);
            return true;
        }
        catch (Exception e) when (DatabaseErrors.FaultOf(e) is not null)
        {
            // Once is enough to say so.
            if (!failing) logger.LogWarning("Old impressions can't be dropped at the moment: {Reason}", e.Message);
            return false;
        }
    }
}
