using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using TwoTower.Postgres.Connections;
using TwoTower.Postgres.Serving;

namespace TwoTower.ServiceDefaults.Upkeep;

/// <summary>Keeps the counts behind popular-and-fresh current. Any number of processes try; the database lets one at a time.</summary>
/// <param name="every">Pause between two counts; zero: another process counts.</param>
internal sealed class StatisticsRefresh(
    VideoStatistics statistics, TimeSpan every, TimeProvider time, ILogger<StatisticsRefresh> logger) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (every == TimeSpan.Zero) return;
        using var timer = new PeriodicTimer(every, time);
        try
        {
            do await RefreshAsync(stoppingToken);
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The process is stopping.
        }
    }

    private async Task RefreshAsync(CancellationToken ct)
    {
        try
        {
            if (await statistics.RefreshAsync(ct) is { } changed) logger.LogDebug("Counted likes anew: {Changed} videos changed", changed);
        }
        catch (Exception e) when (DatabaseErrors.FaultOf(e) is not null)
        {
            // The counts of before go on being served; readiness tells of the database.
            logger.LogWarning("Likes could not be counted, the next try is in {Seconds} s: {Reason}", every.TotalSeconds, e.Message);
        }
    }
}
