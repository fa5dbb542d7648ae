using Microsoft.Extensions.Options;
using Npgsql;
using TwoTower.Core;
using TwoTower.Core.Inference;
using TwoTower.Core.Releases;

namespace TwoTower.Embedder;

/// <summary>
/// Follows the registry: embeds releases as they are trained, and videos as they come for the release that is served; keeps
/// public.video_embeddings in step after an activation. A database that is away is waited for.
/// </summary>
public sealed partial class EmbedderWorker(
    NpgsqlDataSource db, IOptions<EmbedderOptions> options, TimeProvider time, ILogger<EmbedderWorker> log) : BackgroundService
{
    private readonly EmbedderOptions _options = options.Value;
    private readonly ReleaseStore _store = new(db);
    private (long Release, ItemTower? Tower)? _loaded;
    private long _synced;

    /// <summary>One look: everything that there is to do now.</summary>
    /// <returns>Vectors written.</returns>
    public async Task<long> TurnAsync(CancellationToken ct)
    {
        var written = 0L;
        foreach (var release in (await _store.ListAsync(ct)).Where(Waits).Reverse())
        {
            if (!await IsHeldAsync(release, ct)) written += await EmbedAsync(release, ct);
        }

        return written + await FollowAsync(ct);
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        string? failure = null;
        try
        {
            while (true)
            {
                try
                {
                    await TurnAsync(stoppingToken);
                    if (failure is not null) LogFollowing();
                    failure = null;
                }
                catch (Exception e) when (e is NpgsqlException or InputException or TimeoutException && !stoppingToken.IsCancellationRequested)
                {
                    // Once, not at every look: what is wrong stays wrong for a while.
                    if (failure != e.Message) LogTurnFailed(e is InputException ? null : e, e.Message);
                    failure = e.Message;
                }

                await Task.Delay(_options.PollInterval, time, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Asked to stop; what was committed is gone on with at the next start.
        }
        finally
        {
            _loaded?.Tower?.Dispose();
            _loaded = null;
        }
    }

    // An imported release is embedded by its import.
    private static bool Waits(Release release) => !release.Imported && release.State is (ReleaseState.Trained or ReleaseState.Embedding);

    private async Task<long> EmbedAsync(Release release, CancellationToken ct)
    {
        LogEmbedding(release.ModelVersion);
        var activate = _options.Activate || (_options.ActivateFirst && await _store.GetActiveAsync(ct) is null);
        try
        {
            var result = await new EmbedJob(db, time).RunAsync(
                release.ModelVersion, _options.Embedding with { Activate = activate, SyncPublicTable = false }, new LogProgress(log, time), ct);
            foreach (var warning in result.Warnings) LogWarning(release.ModelVersion, warning);
            LogEmbedded(release.ModelVersion, result.Videos, result.Stages.Values.Aggregate(TimeSpan.Zero, (sum, stage) => sum + stage), result.Activated);
            return result.Embedded;
        }
        catch (InputException e)
        {
            // What the registry has as failed, with the reason, isn't the next release's concern.
            if ((await _store.GetAsync(release.ModelVersion, ct)).State != ReleaseState.Failed) throw;
            LogFailed(release.ModelVersion, e.Message);
            return 0;
        }
    }

    private async Task<long> FollowAsync(CancellationToken ct)
    {
        if (await _store.GetActiveAsync(ct) is not { } active) return 0;
        var vectors = await ReleaseVectors.OpenAsync(db, active, ct);
        var missing = await vectors.WithoutVectorAsync(_options.FollowRows, ct);
        EmbedTelemetry.SetLag(missing.Count);
        var written = 0L;
        if (missing.Count > 0 && await TowerAsync(active, ct) is { } tower)
        {
            written = await VideoEmbedder.RunAsync(db, vectors, tower, missing, replace: true, _options.Embedding, null, ct);
            LogFollowed(active.ModelVersion, written);
        }

        if ((written > 0 || _synced != active.Id) && _options.Embedding.SyncPublicTable)
        {
            if (await PublicTable.FitsAsync(db, active, ct) && await PublicTable.SyncAsync(db, vectors, _options.Embedding.Index, null, ct) is null) return written;
            _synced = active.Id;
        }

        return written;
    }

    private async Task<ItemTower?> TowerAsync(Release active, CancellationToken ct)
    {
        if (_loaded?.Release == active.Id) return _loaded.Value.Tower;
        var files = await _store.OpenAsync(active.ModelVersion, ct);
        _loaded?.Tower?.Dispose();
        _loaded = null;
        if (files.Contains(Core.Artifacts.ArtifactNames.ItemTower))
        {
            _loaded = (active.Id, ItemTower.FromFiles(files));
        }
        else
        {
            LogNoItemTower(active.ModelVersion);
            _loaded = (active.Id, null);
        }

        return _loaded.Value.Tower;
    }

    private async Task<bool> IsHeldAsync(Release release, CancellationToken ct)
    {
        await using var command = db.CreateCommand(
            "select exists (select from two_tower.release_embeddings where release_id = $1 and lease_until > clock_timestamp())");
        command.Parameters.Add(new() { Value = release.Id });
        return (bool)(await command.ExecuteScalarAsync(ct))!;
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Embedding release {ModelVersion}")]
    private partial void LogEmbedding(string modelVersion);

    [LoggerMessage(Level = LogLevel.Information, Message = "Release {ModelVersion} is ready: {Videos} videos in {Elapsed}, activated: {Activated}")]
    private partial void LogEmbedded(string modelVersion, long videos, TimeSpan elapsed, bool activated);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Videos} new videos embedded for the active release {ModelVersion}")]
    private partial void LogFollowed(string modelVersion, long videos);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Release {ModelVersion}: {Warning}")]
    private partial void LogWarning(string modelVersion, string warning);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Release {ModelVersion} has no item tower: new videos get no vector until another release is active")]
    private partial void LogNoItemTower(string modelVersion);

    [LoggerMessage(Level = LogLevel.Error, Message = "Release {ModelVersion}: {Reason}")]
    private partial void LogFailed(string modelVersion, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "The database can't be followed right now: {Reason}")]
    private partial void LogTurnFailed(Exception? exception, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "The database can be followed again")]
    private partial void LogFollowing();
}
