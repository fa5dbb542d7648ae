using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using TwoTower.Postgres.Connections;
using TwoTower.Postgres.Serving;

namespace TwoTower.ServiceDefaults.Upkeep;

/// <summary>
/// Keeps the counts behind popular-and-fresh current. Any number of processes try; the database lets one at a time. Each that counts looks
/// for odd values, once an hour.
/// </summary>
/// <param name="every">Pause between two counts; zero: another process counts.</param>
internal sealed class StatisticsRefresh(
    VideoStatistics statistics, TimeSpan every, TimeProvider time, ILogger<StatisticsRefresh> logger) : BackgroundService
{
    // It reads every video.
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromHours(1);

    private readonly HashSet<(string Table, string Column)> _told = [];
    private DateTimeOffset _nextLook;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (every == TimeSpan.Zero) return;
        using var timer = new PeriodicTimer(every, time);
        try
        {
            do
            {
                if (await RefreshAsync(stoppingToken) && time.GetUtcNow() >= _nextLook) await LookAsync(stoppingToken);
            }
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The process is stopping.
        }
    }

    // False where another process counts, or nobody can.
    private async Task<bool> RefreshAsync(CancellationToken ct)
    {
        try
        {
            if (await statistics.RefreshAsync(ct) is not { } changed) return false;
            logger.LogDebug("Counted likes anew: {Changed} videos changed", changed);
            return true;
        }
        catch (Exception e) when (DatabaseErrors.FaultOf(e) is not null)
        {
            // The counts of before go on being served; readiness tells of the database.
            logger.LogWarning("Likes could not be counted, the next try is in {Seconds} s: {Reason}", every.TotalSeconds, e.Message);
            return false;
        }
    }

    private async Task LookAsync(CancellationToken ct)
    {
        try
        {
            await TellOddValuesAsync(ct);
            _nextLook = time.GetUtcNow() + BetweenLooks;
        }
        catch (Exception e) when (DatabaseErrors.FaultOf(e) is not null)
        {
            logger.LogWarning("Odd values could not be looked for, the next try is after the next count: {Reason}", e.Message);
        }
    }

    // Once a column. Whose profile it is, a log needn't know: doctor tells.
    private async Task TellOddValuesAsync(CancellationToken ct)
    {
        foreach (var odd in await statistics.FindOddValuesAsync(ct))
        {
            if (!_told.Add((odd.Table, odd.Column))) continue;
            logger.LogWarning(
                "public.{Table}.{Column} has values that are NULL to models and in answers: {Values}; the first: {Id} has {Value}",
                odd.Table, odd.Column, odd.Count, odd.Table == "profiles" ? "a profile (twotower doctor says which)" : odd.Id, odd.Value);
        }
    }
}
