using Npgsql;
using TwoTower.Embedding.Publishing;
using TwoTower.Embedding.Settings;
using TwoTower.Postgres.Releases;

namespace TwoTower.Embedding.Following;

/// <summary>
/// Keeps the vectors in step with the videos: changes as the triggers tell of them, or as a sweep finds them; and
/// public.video_embeddings in step with the active release.
/// </summary>
internal sealed class VideoFollower : IDisposable
{
    private static readonly TimeSpan TriggersAgain = TimeSpan.FromMinutes(1);
    private readonly NpgsqlDataSource _db;
    private readonly EmbedderOptions _options;
    private readonly TimeProvider _time;
    private readonly FollowerLog _log;
    private readonly ReleaseStore _store;
    private readonly FollowedReleases _releases;
    private readonly ChangeFollower _changes;
    private volatile Means _means;
    private string? _without;
    private long? _lookedForTriggers;
    private (long Release, long At)? _synced;

    public VideoFollower(NpgsqlDataSource db, EmbedderOptions options, TimeProvider time, ILogger log)
    {
        (_db, _options, _time, _log, _store) = (db, options, time, new(log), new(db));
        _releases = new(db, _log.Warn);
        _changes = new(db, _releases, options.FollowRows, options.Embedding, time, (_, error) => _log.Failed(error.Message));
    }

    /// <summary>Brings everything up to date that is known to have changed.</summary>
    /// <returns>Vectors written, over all releases.</returns>
    public async Task<long> FollowAsync(CancellationToken ct)
    {
        await LookForTriggersAsync(ct);
        if (_means == Means.Sweep) await Sweep(_releases).QueueNewAsync(_options.FollowRows * _options.Embedding.Workers, ct);
        var followed = await _changes.RunAsync(ct);
        if (followed.Videos > 0) _log.Followed(followed.Videos, followed.Written, followed.Removed);
        if (_options.Embedding.SyncPublicTable) await SyncAsync(followed, ct);
        _releases.Trim();
        return followed.Written;
    }

    /// <summary>Compares all videos with their vectors when that is due, and queues what differs.</summary>
    /// <returns>True when there is something to follow.</returns>
    public async Task<bool> SweepAsync(CancellationToken ct)
    {
        if (_means == Means.Unknown) return false; // first things first
        // Towers of its own: it runs beside the other, and seldom.
        using var releases = new FollowedReleases(_db, (_, _) => { });
        if (await Sweep(releases).RunAsync(
            _means == Means.Triggers ? _options.CheckInterval : _options.SweepInterval, ct) is not { } found) return false;
        _log.Swept(found);
        return found > 0;
    }

    /// <inheritdoc/>
    public void Dispose() => _releases.Dispose();

    private ChangeSweep Sweep(FollowedReleases releases) => new(_db, releases, _options.Embedding.Lease, _time);

    private async Task LookForTriggersAsync(CancellationToken ct)
    {
        if (_lookedForTriggers is { } last && _time.GetElapsedTime(last) < TriggersAgain) return;
        var reason = await ChangeTriggers.FollowAsync(_db, _options.Triggers, ct);
        if (reason is not null && reason != _without) _log.NoTriggers(reason, _options.SweepInterval);
        (_means, _without, _lookedForTriggers) = (reason is null ? Means.Triggers : Means.Sweep, reason, _time.GetTimestamp());
    }

    private async Task SyncAsync(Followed followed, CancellationToken ct)
    {
        if (await _store.GetActiveAsync(ct) is not { } active) return;
        // Now and then also what is in step by all appearances: a process that was killed may have left some behind.
        var whole = _synced is not { } last || last.Release != active.Id || _time.GetElapsedTime(last.At) >= _options.CheckInterval;
        if (!whole && followed.ActiveVideos.Count == 0) return;
        if (await PublicTable.FitAsync(_db, active, ct) is { } length)
        {
            if (whole)
            {
                var vectors = await ReleaseVectors.OpenAsync(_db, active, ct);
                if (await PublicTable.SyncAsync(_db, vectors, length, _options.Embedding.Index, null, ct) is null) return;
            }
            else if (
                followed.Active is { } vectors && !await PublicTable.SyncVideosAsync(_db, vectors, length, [.. followed.ActiveVideos], ct))
            {
                return;
            }
        }

        if (whole) _synced = (active.Id, _time.GetTimestamp());
    }

    // How it is known what changed.
    private enum Means
    {
        Unknown,
        Triggers,
        Sweep,
    }
}
