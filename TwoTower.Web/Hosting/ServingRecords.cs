using Microsoft.Extensions.Options;
using TwoTower.Postgres.Connections;
using TwoTower.Postgres.Impressions;

namespace TwoTower.Web.Hosting;

/// <summary>
/// Brings what was served to the database, off the request path. Every replica does; what waits when the process is asked to stop is
/// written before it ends.
/// </summary>
internal sealed class ServingRecords(
    ServingRecordWriter writer, IOptions<ImpressionOptions> options, TimeProvider time, ILogger<ServingRecords> logger)
    : BackgroundService
{
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        // The server has stopped before this: nothing is added any more.
        await base.StopAsync(cancellationToken);
        try
        {
            await writer.FlushAsync(cancellationToken);
        }
        catch (Exception e) when (DatabaseErrors.FaultOf(e) is not null || e is OperationCanceledException)
        {
            logger.LogWarning("What was served last could not be recorded: {Reason}", e.Message);
            writer.GiveUp();
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(options.Value.FlushInterval, time);
        var failing = false;
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                try
                {
                    await writer.FlushAsync(stoppingToken);
                    failing = false;
                }
                catch (Exception e) when (DatabaseErrors.FaultOf(e) is not null)
                {
                    // Answers wait as long as there is room for them; once is enough to say so.
                    if (!failing) logger.LogWarning("What is served can't be recorded at the moment: {Reason}", e.Message);
                    failing = true;
                }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The process is stopping.
        }
    }
}
