using Microsoft.Extensions.Options;
using TwoTower.Postgres.Connections;
using TwoTower.Postgres.Serving;
using TwoTower.Web.Settings;

namespace TwoTower.Web.Hosting;

/// <summary>Keeps the counts behind popular-and-fresh current. Every replica tries; the database lets one at a time.</summary>
internal sealed class StatisticsRefresh(
    VideoStatistics statistics, IOptions<ApiOptions> options, TimeProvider time, ILogger<StatisticsRefresh> logger) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (options.Value.StatisticsRefreshSeconds == 0) return;
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(options.Value.StatisticsRefreshSeconds), time);
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
            logger.LogWarning("Likes could not be counted, the next try is in {Seconds} s: {Reason}", options.Value.StatisticsRefreshSeconds, e.Message);
        }
    }
}
