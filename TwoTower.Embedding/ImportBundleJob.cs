using Npgsql;
using TwoTower.Core;
using TwoTower.Core.Artifacts;
using TwoTower.Core.Bundles;
using TwoTower.Core.Inference;
using TwoTower.Embedding.Encoding;
using TwoTower.Embedding.Leases;
using TwoTower.Embedding.Settings;
using TwoTower.Embedding.Telemetry;
using TwoTower.Postgres.Releases;

namespace TwoTower.Embedding;

/// <summary>
/// Takes a bundle in as a release: verified, registered under its own version, vectors loaded from its parquet file, indexed, checked,
/// ready. The same bundle again changes nothing.
/// </summary>
/// <param name="time">For rates and waits.</param>
internal sealed class ImportBundleJob(NpgsqlDataSource db, TimeProvider time)
{
    private readonly ReleaseStore _store = new(db);

    /// <summary>Imports a bundle.</summary>
    /// <param name="directory">Its folder.</param>
    /// <param name="options">How; <see cref="EmbedOptions.Activate"/> activates it when it is ready.</param>
    /// <param name="progress">Told every chunk.</param>
    /// <param name="ct">Stops; the next run starts the release's table afresh.</param>
    /// <exception cref="InputException">The bundle is refused by name, or failed its checks (and is marked failed, with the reason).</exception>
    public async Task<EmbedResult> RunAsync(
        string directory, EmbedOptions options, IProgress<EmbedProgress>? progress = null, CancellationToken ct = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        return await RunAsync(await BundleReader.ReadAsync(directory, ct), options, progress, ct);
    }

    /// <summary>Imports a bundle that was verified.</summary>
    /// <inheritdoc cref="RunAsync(string, EmbedOptions, IProgress{EmbedProgress}?, CancellationToken)"/>
    public async Task<EmbedResult> RunAsync(
        Bundle bundle, EmbedOptions options, IProgress<EmbedProgress>? progress = null, CancellationToken ct = default)
    {
        ArgumentNullException.ThrowIfNull(bundle);
        ArgumentNullException.ThrowIfNull(options);
        var release = await _store.RegisterAsync(
            bundle.ModelVersion, bundle.Files, recipe: null, metricsJson: null, imported: true, options.VectorType
                ?? VectorType.Vector, options.Actor, ct);
        if (release.State == ReleaseState.Retired)
        {
            throw new InputException($"Release {release.ModelVersion} is retired and doesn't come back: give the bundle another version ('twotower manifest build DIR --model-version NAME').");
        }

        var clock = new StageClock(release.ModelVersion, time, progress);
        await using var lease = await LeaseWait.TakeAsync(db, release, options.Lease, clock, time, ct);
        try
        {
            return await RunAsync(bundle, await _store.GetAsync(release.ModelVersion, ct), options, lease, clock);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            lease.Require();
            throw;
        }
    }

    private async Task<EmbedResult> RunAsync(Bundle bundle, Release release, EmbedOptions options, EmbeddingLease lease, StageClock clock)
    {
        var ct = lease.Held;
        var warnings = new List<string>();
        var run = new EmbedRun(db, _store, options, lease, clock, warnings.Add);
        var videos = await VideoEmbedder.AllVideosAsync(db, ct);
        if (release.State is ReleaseState.Ready or ReleaseState.Active)
        {
            var there = await ReleaseVectors.OpenAsync(db, release, ct);
            var now = options.Activate && release.State == ReleaseState.Ready && await run.ActivateAsync(release, videos, null);
            await run.SyncAsync(there, videos.Length);
            var (_, without) = await there.MissingAsync(videos, ct);
            return new(release.ModelVersion, 0, await there.CountAsync(ct), 0, without.Count, now, clock.Stages, warnings);
        }

        // Half of another attempt is as good as nothing: loading takes seconds.
        using var tower = bundle.HasItemTower ? ItemTower.FromFiles(bundle.Files) : null;
        var vectors = await run.BeginAsync(release, afresh: true, tower?.HistoryDim ?? 0);
        videos = await VideoEmbedder.AllVideosAsync(db, ct); // with those that came up to now: later ones are followed
        // History vectors aren't part of a bundle: with them, all vectors are made here, by the bundle's own networks.
        var loads = tower is null or { HistoryDim: 0 };
        var (loaded, skipped) = loads
            ? await run.StageAsync(EmbedStage.Embedding, videos.Length, () => LoadAsync(bundle, vectors, videos, run, clock, ct))
            : (0, 0);
        if (loads && loaded == 0) await run.FailAsync(release, $"none of the {skipped} vectors in {ArtifactNames.VideoEmbeddings} is of a video that is here: import the catalogue first");
        var embedded = tower is null ? 0 : await EmbedMissingAsync(tower, vectors, videos, options, ct);
        await run.IndexAsync(vectors, loaded + embedded);
        var report = await run.CheckAsync(vectors, videos);
        var missing = report.WithoutVector;
        if (missing > 0) warnings.Add($"{missing} of {videos.Length} videos have no vector in the bundle: they can't be recommended by this release.");
        if (skipped > 0) warnings.Add($"{skipped} vectors of the bundle are of videos that aren't here: skipped.");
        var activated = await run.ReadyAsync(release, $"{loaded} vectors imported, {embedded} made", videos, report);
        await run.SyncAsync(vectors, loaded);
        return new(release.ModelVersion, loaded + embedded, loaded + embedded, skipped, missing, activated, clock.Stages, warnings);
    }

    private async Task<(long Loaded, long Skipped)> LoadAsync(
        Bundle bundle, ReleaseVectors vectors, IReadOnlyList<Guid> videos, EmbedRun run, StageClock clock, CancellationToken ct)
    {
        var here = videos.ToHashSet();
        var seen = new HashSet<Guid>();
        long loaded = 0, skipped = 0;
        try
        {
            await foreach (var batch in bundle.ReadEmbeddingsAsync(ct))
            {
                var (ids, kept) = (new List<Guid>(), new List<ReadOnlyMemory<float>>());
                for (var i = 0; i < batch.VideoIds.Count; i++)
                {
                    if (!seen.Add(batch.VideoIds[i])) throw new InputException($"{ArtifactNames.VideoEmbeddings} has video {batch.VideoIds[i]} twice");
                    if (!UnitVector.IsUnit(batch[i].Span, out var length))
                    {
                        throw new InputException($"{ArtifactNames.VideoEmbeddings}: the vector of video {batch.VideoIds[i]} has length {length:G6}, not 1");
                    }

                    if (!here.Contains(batch.VideoIds[i]))
                    {
                        skipped++;
                        continue;
                    }

                    ids.Add(batch.VideoIds[i]);
                    kept.Add(batch[i]);
                }

                // A foreign file may be one batch of a million rows; what is committed at once stays small.
                for (var start = 0; start < ids.Count; start += EmbeddingParquetWriter.RowGroupRows)
                {
                    var count = Math.Min(ids.Count - start, EmbeddingParquetWriter.RowGroupRows);
                    var rows = new float[count * batch.Dim];
                    for (var i = 0; i < count; i++) kept[start + i].CopyTo(rows.AsMemory(i * batch.Dim));
                    await VectorWriter.AddAsync(db, vectors, new(ids.GetRange(start, count), rows, batch.Dim), default, ct);
                    loaded += count;
                    EmbedTelemetry.Rows.Add(count);
                    clock.Report(loaded);
                }
            }
        }
        catch (InputException e)
        {
            await run.FailAsync(vectors.Release, e.Message.TrimEnd('.'));
        }

        return (loaded, skipped);
    }

    private async Task<long> EmbedMissingAsync(
        ItemTower tower, ReleaseVectors vectors, IReadOnlyList<Guid> videos, EmbedOptions options, CancellationToken ct)
    {
        var (_, missing) = await vectors.MissingAsync(videos, ct);
        if (missing.Count == 0) return 0;
        return await VideoEmbedder.RunAsync(db, vectors, tower, missing, options, ct);
    }
}
