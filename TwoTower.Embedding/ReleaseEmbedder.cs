using Npgsql;
using TwoTower.Core;
using TwoTower.Core.Inference;
using TwoTower.Embedding.Settings;
using TwoTower.Embedding.Telemetry;
using TwoTower.Postgres.Connections;
using TwoTower.Postgres.Releases;

namespace TwoTower.Embedding;

/// <summary>Embeds releases as they are registered: leads if no process does, and helps otherwise.</summary>
internal sealed partial class ReleaseEmbedder(NpgsqlDataSource db, EmbedderOptions options, TimeProvider time, ILogger log)
{
    private readonly ReleaseStore _store = new(db);

    /// <summary>One look: every release that waits, oldest first.</summary>
    /// <returns>Vectors written here.</returns>
    public async Task<long> TurnAsync(CancellationToken ct)
    {
        var written = 0L;
        foreach (var release in (await _store.ListAsync(ct)).Where(Waits).Reverse())
        {
            written += await IsHeldAsync(release, ct) ? await HelpAsync(release, ct) : await EmbedAsync(release, ct);
        }

        return written;
    }

    // An imported release is embedded by its import.
    private static bool Waits(Release release) => !release.Imported && release.State is (ReleaseState.Trained or ReleaseState.Embedding);

    private async Task<long> EmbedAsync(Release release, CancellationToken ct)
    {
        LogEmbedding(release.ModelVersion);
        var activate = options.Activate || (options.ActivateFirst && await _store.GetActiveAsync(ct) is null);
        try
        {
            var result = await new EmbedJob(db, time).RunAsync(
                release.ModelVersion, options.Embedding with { Activate = activate, SyncPublicTable = false }, new LogProgress(log, time),
                ct);
            foreach (var warning in result.Warnings) LogWarning(release.ModelVersion, warning);
            LogEmbedded(
                release.ModelVersion, result.Videos, result.Stages.Values.Aggregate(TimeSpan.Zero, (sum, stage) => sum + stage),
                result.Activated);
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

    private async Task<long> HelpAsync(Release release, CancellationToken ct)
    {
        if (release.State != ReleaseState.Embedding) return 0;
        var shares = new EmbeddingShares(db, await ReleaseVectors.OpenAsync(db, release, ct), options.Embedding, time);
        if (!await shares.AnyAsync(ct)) return 0;
        using var activity = EmbedTelemetry.Source.StartActivity("help embed");
        activity?.SetTag("twotower.model_version", release.ModelVersion);
        activity.LinkToTraining(release.TraceParent);
        using var tower = ItemTower.FromFiles(await _store.OpenAsync(release.ModelVersion, ct));
        var written = await shares.WorkAsync(tower, untilDone: false, null, ct);
        LogHelped(release.ModelVersion, written);
        return written;
    }

    private Task<bool> IsHeldAsync(Release release, CancellationToken ct) =>
        db.Sql("select exists (select from two_tower.release_embeddings where release_id = @release and lease_until > clock_timestamp())")
            .With("release", release.Id).ScalarAsync<bool>(ct);

    [LoggerMessage(Level = LogLevel.Information, Message = "Embedding release {ModelVersion}")]
    private partial void LogEmbedding(string modelVersion);

    [LoggerMessage(Level = LogLevel.Information, Message = "Release {ModelVersion} is ready: {Videos} videos in {Elapsed}, activated: {Activated}")]
    private partial void LogEmbedded(string modelVersion, long videos, TimeSpan elapsed, bool activated);

    [LoggerMessage(Level = LogLevel.Information, Message = "Helped another embedder with release {ModelVersion}: {Videos} videos")]
    private partial void LogHelped(string modelVersion, long videos);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Release {ModelVersion}: {Warning}")]
    private partial void LogWarning(string modelVersion, string warning);

    [LoggerMessage(Level = LogLevel.Error, Message = "Release {ModelVersion}: {Reason}")]
    private partial void LogFailed(string modelVersion, string reason);
}
