using Npgsql;
using TwoTower.Core;
using TwoTower.Embedding.Following;
using TwoTower.Embedding.Leases;
using TwoTower.Embedding.Publishing;
using TwoTower.Embedding.Settings;
using TwoTower.Embedding.Telemetry;
using TwoTower.Postgres.Connections;
using TwoTower.Postgres.Gate;
using TwoTower.Postgres.Releases;

namespace TwoTower.Embedding;

/// <summary>
/// One process at work on one release, under its lease: what embedding and importing have in common, from the table to the activation.
/// </summary>
internal sealed class EmbedRun(
    NpgsqlDataSource db, ReleaseStore store, EmbedOptions options, EmbeddingLease lease, StageClock clock, Action<string> warn)
{
    /// <summary>
    /// Puts the release into state embedding and makes its table, both or neither: no kill leaves old vectors behind, and who was silent
    /// for too long drops no table that another has filled meanwhile.
    /// </summary>
    /// <param name="afresh">True drops vectors that are there: those of a failed attempt aren't trusted.</param>
    /// <param name="historyDim">Length of its history vectors; 0: it has none.</param>
    public async Task<ReleaseVectors> BeginAsync(Release release, bool afresh, int historyDim)
    {
        var ct = lease.Held;
        if (options.VectorType is { } type && release.VectorType != type && release.State == ReleaseState.Trained)
        {
            release = await store.SetVectorTypeAsync(release.ModelVersion, type, ct);
        }

        // The first release reads every video anyway: what an import has queued is done by that.
        await new ChangeQueue(db, options.Lease).DiscardAsync(ct);
        var server = await ServerCheck.ReadAsync(db, ct);
        var vectors = ReleaseVectors.Open(db, release, server);
        await lease.DoAsync(async connection =>
        {
            await ReleaseStore.TransitionAsync(connection, release.ModelVersion, ReleaseState.Embedding, options.Actor, afresh ? "its vectors are made afresh" : "its vectors are made", ct);
            await vectors.CreateAsync(connection, afresh, historyDim, ct);
        });
        return ReleaseVectors.Open(db, await store.GetAsync(release.ModelVersion, ct), server);
    }

    /// <summary>Runs a stage and records it in the registry.</summary>
    public async Task<T> StageAsync<T>(EmbedStage stage, long total, Func<Task<T>> work, long done = 0)
    {
        await lease.ReportAsync(stage, done, total, finished: false, lease.Held);
        var result = await clock.RunAsync(stage, total, work, done);
        await lease.ReportAsync(stage, total, total, finished: false, lease.Held);
        return result;
    }

    /// <summary>Builds the index, reporting how far the server is with it.</summary>
    public Task<bool> IndexAsync(ReleaseVectors vectors, long rows) => StageAsync(EmbedStage.Indexing, rows, async () =>
    {
        using var watching = CancellationTokenSource.CreateLinkedTokenSource(lease.Held);
        var watch = WatchAsync(vectors, watching.Token);
        try
        {
            await VectorIndex.BuildAsync(db, vectors, options.Index, rows, warn, lease.Held);
        }
        finally
        {
            await watching.CancelAsync();
            await watch;
        }

        clock.Report(rows);
        return true;
    });

    /// <summary>Runs the gate over what was built; a release that it refuses is marked failed, with the reason.</summary>
    /// <param name="vectors">The table.</param>
    /// <param name="videoIds">The videos that were there at the start.</param>
    public Task<GateReport> CheckAsync(ReleaseVectors vectors, IReadOnlyList<Guid> videoIds) =>
        StageAsync(EmbedStage.Checking, videoIds.Count, async () =>
    {
        var report = await new ReleaseGate(db, options.Gate).RunAsync(vectors.Release, videoIds, options.Actor, lease.Held);
        if (report.Reason is { } reason) await FailAsync(vectors.Release, reason);
        clock.Report(videoIds.Count);
        return report;
    });

    /// <summary>Marks the release as ready, and activates it if asked to.</summary>
    /// <param name="reason">Why it is ready.</param>
    /// <param name="videoIds">The videos that were there at the start.</param>
    /// <param name="report">What the gate found just now.</param>
    /// <returns>True when it was activated now.</returns>
    public async Task<bool> ReadyAsync(Release release, string reason, IReadOnlyList<Guid> videoIds, GateReport report)
    {
        await MoveAsync(release, ReleaseState.Ready, reason);
        release = await store.GetAsync(release.ModelVersion, lease.Held);
        await lease.ReportAsync(EmbedStage.Checking, 0, 0, finished: true, lease.Held);
        return options.Activate && await ActivateAsync(release, videoIds, report);
    }

    /// <summary>Activates a release that passes the gate beside what is live at this moment.</summary>
    /// <param name="release">A ready one.</param>
    /// <param name="videoIds">The videos that were there at the start.</param>
    /// <param name="report">What the gate found; null: it hasn't looked yet.</param>
    /// <returns>True when it was activated now.</returns>
    public async Task<bool> ActivateAsync(Release release, IReadOnlyList<Guid> videoIds, GateReport? report)
    {
        while (true)
        {
            report ??= await new ReleaseGate(db, options.Gate).RunAsync(release, videoIds, options.Actor, lease.Held);
            if (report.Reason is { } reason)
            {
                // What was served once stays a way back, even where it is no longer good enough to stay.
                var served = (await store.HistoryAsync(release.ModelVersion, lease.Held)).Any(step => step.To == ReleaseState.Active);
                if (!served) await FailAsync(release, reason);
                throw new InputException($"Release {release.ModelVersion} didn't pass the gate: {reason}.");
            }

            // Another release may have become active since the gate looked: then it looks again.
            if (await store.ActivateAfterAsync(release.ModelVersion, report.ComparedWith, options.Actor, $"passed the gate (run {report.Run})", lease.Held) is { } activation)
            {
                return activation.Changed;
            }

            report = null;
        }
    }

    /// <summary>Brings public.video_embeddings in step when this release is the active one and fits.</summary>
    public async Task SyncAsync(ReleaseVectors vectors, long rows)
    {
        if (!options.SyncPublicTable || (await store.GetActiveAsync(lease.Held))?.Id != vectors.Release.Id) return;
        if (await PublicTable.FitAsync(db, vectors.Release, lease.Held) is not { } length)
        {
            warn($"public.video_embeddings isn't vector({vectors.Release.EmbeddingDim}){(vectors.Release.IsNested ? " or shorter" : "")}: it is left as it is.");
            return;
        }

        await clock.RunAsync(EmbedStage.Syncing, rows, async () =>
        {
            var synced = await PublicTable.SyncAsync(db, vectors, length, options.Index, clock.Report, lease.Held);
            clock.Report(rows);
            return synced;
        });
    }

    /// <summary>Marks the release as failed and says why.</summary>
    public async Task FailAsync(Release release, string reason)
    {
        await MoveAsync(release, ReleaseState.Failed, reason);
        throw new InputException($"Release {release.ModelVersion} failed: {reason}. What was active before stays active.");
    }

    private Task MoveAsync(Release release, ReleaseState to, string reason) => lease.DoAsync(
        connection => ReleaseStore.TransitionAsync(connection, release.ModelVersion, to, options.Actor, reason, lease.Held));

    private async Task WatchAsync(ReleaseVectors vectors, CancellationToken ct)
    {
        try
        {
            while (true)
            {
                await Task.Delay(TimeSpan.FromSeconds(1), ct);
                if (await VectorIndex.ProgressAsync(db, vectors, ct) is { } done) clock.Report(done);
            }
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            // The build is over.
        }
        catch (NpgsqlException)
        {
            // Without the view there is no progress to show; the build itself tells if the database is away.
        }
    }
}
