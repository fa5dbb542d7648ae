namespace TwoTower.Postgres.Tables;

/// <summary>Repeats a report every few seconds while one long statement runs, so that nobody takes silence for an end.</summary>
internal sealed class Heartbeat : IAsyncDisposable
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(2);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _beating;

    private Heartbeat(IProgress<WriteProgress>? progress, WriteProgress report) =>
        _beating = progress is null ? Task.CompletedTask : Task.Run(() => BeatAsync(progress, report));

    public static Heartbeat Start(IProgress<WriteProgress>? progress, WriteProgress report) => new(progress, report);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _beating;
        _stop.Dispose();
    }

    private async Task BeatAsync(IProgress<WriteProgress> progress, WriteProgress report)
    {
        progress.Report(report);
        using var timer = new PeriodicTimer(Every);
        try
        {
            while (await timer.WaitForNextTickAsync(_stop.Token)) progress.Report(report);
        }
        catch (OperationCanceledException)
        {
            // The statement has ended.
        }
    }
}
