using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using TwoTower.Core;
using TwoTower.Postgres.Connections;
using TwoTower.Postgres.Experiments.Rollback;

namespace TwoTower.ServiceDefaults.Upkeep;

/// <summary>Goes back to the release before when the one that was activated misbehaves. Any number of processes watch; one acts.</summary>
internal sealed class RollbackWatch(
    AutomaticRollback rollback, IOptions<RollbackOptions> options, TimeProvider time, ILogger<RollbackWatch> logger) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (!options.Value.Enabled) return;
        using var timer = new PeriodicTimer(options.Value.CheckInterval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken)) await CheckAsync(stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The process is stopping.
        }
    }

    private async Task CheckAsync(CancellationToken ct)
    {
        try
        {
            if (await rollback.CheckAsync(ct) is { } done)
            {
                logger.LogError("Rolled back from {Undone} to {ModelVersion}: {Reason}", done.Undone, done.ModelVersion, done.Reason);
            }
        }
        catch (Exception e) when (e is InputException || DatabaseErrors.FaultOf(e) is not null)
        {
            logger.LogWarning("The active release can't be watched at the moment: {Reason}", e.Message);
        }
    }
}
