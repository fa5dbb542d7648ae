using Npgsql;
using TwoTower.Core;
using TwoTower.Core.Artifacts;
using TwoTower.Core.Inference;
using TwoTower.Embedding.Encoding;
using TwoTower.Embedding.Following;
using TwoTower.Embedding.Leases;
using TwoTower.Embedding.Settings;
using TwoTower.Embedding.Telemetry;
using TwoTower.Postgres.Releases;

namespace TwoTower.Embedding;

/// <summary>
/// Embeds every video for a release beside the live one: vectors into a table of its own, an HNSW index over them, checks, state ready;
/// then, if asked to, activation. The next run continues a killed one.
/// </summary>
/// <param name="time">For rates and waits.</param>
internal sealed class EmbedJob(NpgsqlDataSource db, TimeProvider time)
{
    private readonly ReleaseStore _store = new(db);

    /// <summary>Embeds a release. For one that is ready or active already, the videos that changed or lack a vector.</summary>
    /// <param name="modelVersion">The release; null takes the newest that isn't embedded yet, or else the active one.</param>
    /// <param name="progress">Told every chunk.</param>
    /// <param name="ct">Stops; the next run continues after what was committed.</param>
    /// <exception cref="InputException">No such release, it can't be embedded, or it failed its checks (and is marked failed, with the reason).</exception>
    public async Task<EmbedResult> RunAsync(
        string? modelVersion, EmbedOptions options, IProgress<EmbedProgress>? progress = null, CancellationToken ct = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        var release = await ChooseAsync(modelVersion, ct);
        using var activity = EmbedTelemetry.Source.StartActivity("embed release");
        activity?.SetTag("twotower.model_version", release.ModelVersion);
        activity.LinkToTraining(release.TraceParent);
        var clock = new StageClock(release.ModelVersion, time, progress);
        await using var lease = await LeaseWait.TakeAsync(db, release, options.Lease, clock, time, ct);
        try
        {
            // Whoever held the lease before may have moved it.
            return await RunAsync(await _store.GetAsync(release.ModelVersion, ct), options, lease, clock);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            lease.Require();
            throw;
        }
    }

    private async Task<EmbedResult> RunAsync(Release release, EmbedOptions options, EmbeddingLease lease, StageClock clock)
    {
        var warnings = new List<string>();
        var run = new EmbedRun(db, _store, options, lease, clock, warnings.Add);
        using var tower = await LoadAsync(run, release, lease.Held);
        var served = release.State is ReleaseState.Ready or ReleaseState.Active;
        var vectors = served
            ? await ReleaseVectors.OpenAsync(db, release, lease.Held)
            : await run.BeginAsync(release, afresh: release.State == ReleaseState.Failed, tower.HistoryDim);
        release = vectors.Release;

        var followed = served ? await FollowAsync(options, warnings, lease.Held) : 0;
        var videos = await VideoEmbedder.AllVideosAsync(db, lease.Held);
        var (there, missing) = await vectors.MissingAsync(videos, lease.Held);
        var shares = new EmbeddingShares(db, vectors, options, time);
        await lease.DoAsync(connection => shares.DealAsync(connection, missing, lease.Held));
        var embedded = await run.StageAsync(
            EmbedStage.Embedding, there,
            () => shares.WorkAsync(tower, untilDone: true, left => clock.Report(there - left), lease.Held), there - missing.Count);

        var activated = false;
        if (served)
        {
            activated = options.Activate && release.State == ReleaseState.Ready && await run.ActivateAsync(release, videos, null);
        }
        else
        {
            if (there == 0) await run.FailAsync(release, "there are no videos to embed");
            await FollowAsync(options, warnings, lease.Held); // what changed meanwhile
            await run.IndexAsync(vectors, there);
            var report = await run.CheckAsync(vectors, videos);
            activated = await run.ReadyAsync(release, $"{there} videos embedded", videos, report);
        }

        await run.SyncAsync(vectors, there);
        return new(
            release.ModelVersion, followed + embedded, await vectors.CountAsync(lease.Held), 0, 0, activated, clock.Stages, warnings);
    }

    private async Task<long> FollowAsync(EmbedOptions options, List<string> warnings, CancellationToken ct)
    {
        using var releases = new FollowedReleases(db, (release, warning) => Warn($"Release {release.ModelVersion}: {warning}."));
        var follower = new ChangeFollower(
            db, releases, new EmbedderOptions().FollowRows, options, time, (id, error) => Warn($"Video {id} couldn't be embedded, it is tried again: {error.Message}"));
        return (await follower.RunAsync(ct)).Written;

        void Warn(string warning)
        {
            lock (warnings) warnings.Add(warning);
        }
    }

    private async Task<Release> ChooseAsync(string? modelVersion, CancellationToken ct)
    {
        if (modelVersion is null)
        {
            var releases = await _store.ListAsync(ct);
            return releases.FirstOrDefault(
                release => !release.Imported && release.State is (ReleaseState.Trained or ReleaseState.Embedding))
                ?? releases.FirstOrDefault(release => release.State == ReleaseState.Active)
                ?? throw new InputException("There is no release to embed: run 'twotower train' first.");
        }

        var chosen = await _store.GetAsync(modelVersion, ct);
        return chosen.State != ReleaseState.Retired
            ? chosen
            : throw new InputException($"Release {modelVersion} is retired and can't be embedded again: train or import it anew.");
    }

    // A release whose network can't be loaded is a failed one, unless it is served: then only this run fails.
    private async Task<ItemTower> LoadAsync(EmbedRun run, Release release, CancellationToken ct)
    {
        var files = await _store.OpenAsync(release.ModelVersion, ct);
        if (release.Imported && !files.Contains(ArtifactNames.ItemTower))
        {
            throw new InputException(
                $"Release {release.ModelVersion} was imported without an item tower: its vectors come with its bundle. Import that again to load them.");
        }

        try
        {
            var tower = ItemTower.FromFiles(files);
            if (tower.EmbeddingDim == release.EmbeddingDim) return tower;
            tower.Dispose();
            throw new InputException($"the item tower gives {tower.EmbeddingDim} numbers, the release says {release.EmbeddingDim}");
        }
        catch (InputException e) when (release.State is ReleaseState.Trained or ReleaseState.Embedding)
        {
            await run.FailAsync(release, e.Message.TrimEnd('.'));
            throw;
        }
    }
}
