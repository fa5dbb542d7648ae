using Npgsql;
using TwoTower.Embedding.Telemetry;
using TwoTower.Postgres.Releases;

namespace TwoTower.Embedding.Leases;

/// <summary>Waits for a release that another process is at: it finishes, or it was killed and its lease runs out.</summary>
internal static class LeaseWait
{
    public static async Task<EmbeddingLease> TakeAsync(
        NpgsqlDataSource db, Release release, TimeSpan length, StageClock clock, TimeProvider time, CancellationToken ct)
    {
        if (await EmbeddingLease.TryTakeAsync(db, release, length, time, ct) is { } free) return free;
        return await clock.RunAsync(EmbedStage.Waiting, 0, async () =>
        {
            while (true)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(500), time, ct);
                if (await EmbeddingLease.TryTakeAsync(db, release, length, time, ct) is { } lease) return lease;
                clock.Report(0);
            }
        });
    }
}
