namespace TwoTower.Postgres.Tables;

/// <summary>Repeats a report every few seconds while one long statement runs, so that nobody takes silence for an end.</summary>
internal sealed class Heartbeat : IAsyncDisposable
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(2);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _beating;

    private Heartbeat(IProgress<WriteProgress>? progress, WriteProgress report, TimeSpan every) =>
        _beating = progress is null ? Task.CompletedTask : Task.Run(() => BeatAsync(progress, report, every));

    /// <summary>Reports at once, and again until it is disposed of.</summary>
    /// <param name="progress">Told; null: nobody.</param>
    /// <param name="report">What.</param>
    /// <param name="every">Time between two reports; null: two seconds.</param>
    public static Heartbeat Start(IProgress<WriteProgress>? progress, WriteProgress report, TimeSpan? every = null) =>
        new(progress, report, every ?? Every);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _beating;
        _stop.Dispose();
    }

    private async Task BeatAsync(IProgress<WriteProgress> progress, WriteProgress report, TimeSpan every)
    {
        progress.Report(report);
        using var timer = new PeriodicTimer(every);
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
