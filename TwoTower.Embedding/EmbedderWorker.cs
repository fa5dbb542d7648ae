using Microsoft.Extensions.Options;
using Npgsql;
using TwoTower.Core;
using TwoTower.Embedding.Following;
using TwoTower.Embedding.Settings;
using TwoTower.Postgres.Connections;
using TwoTower.Postgres.Releases;

namespace TwoTower.Embedding;

/// <summary>
/// Follows the registry and the videos, at the same time: embeds releases as they are trained, and videos as they change for every
/// release that has vectors. A database that is away is waited for. Any number of these share the work.
/// </summary>
internal sealed partial class EmbedderWorker(
    NpgsqlDataSource db, IOptions<EmbedderOptions> options, TimeProvider time, ILogger<EmbedderWorker> log) : BackgroundService
{
    private static readonly TimeSpan BetweenPrunings = TimeSpan.FromMinutes(10);
    private readonly EmbedderOptions _options = options.Value;
    private readonly ReleaseEmbedder _releases = new(db, options.Value, time, log);
    private readonly VideoFollower _videos = new(db, options.Value, time, log);
    private readonly ChangeListener _listener = new(db, time);

    /// <summary>One look: everything that there is to do now.</summary>
    /// <returns>Vectors written.</returns>
    public async Task<long> TurnAsync(CancellationToken ct)
    {
        var written = await _releases.TurnAsync(ct) + await _videos.FollowAsync(ct);
        return await _videos.SweepAsync(ct) ? written + await _videos.FollowAsync(ct) : written;
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _videos.Dispose();
        base.Dispose();
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        var (poll, ct) = (_options.PollInterval, stop.Token);
        // A release takes minutes, a change seconds: neither waits for the other.
        Task[] loops =
        [
            LoopAsync(_releases.TurnAsync, () => Task.Delay(poll, time, ct), ct),
            LoopAsync(_videos.FollowAsync, () => _listener.WaitAsync(poll, ct), ct),
            LoopAsync(_videos.SweepAsync, () => Task.Delay(poll, time, ct), ct),
            LoopAsync(PruneAsync, () => Task.Delay(BetweenPrunings, time, ct), ct),
            LoopAsync(WarnAsync, () => Task.Delay(Timeout.InfiniteTimeSpan, time, ct), ct),
            .. _options.Listen ? [_listener.ListenAsync(ct)] : Array.Empty<Task>(),
        ];
        try
        {
            // These loops never finish; if one does, it failed and the worker stops.
            await Task.WhenAny(loops);
            await stop.CancelAsync();
            await Task.WhenAll(loops);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Asked to stop; the next start continues after what was committed.
        }
    }

    /// <summary>Retires releases that the options don't keep.</summary>
    /// <returns>Releases retired.</returns>
    public async Task<int> PruneAsync(CancellationToken ct)
    {
        if (_options.KeepReleases == 0) return 0;
        var pruning = await new ReleaseRetention(db, time).PruneAsync(_options.KeepReleases, _options.Embedding.Actor, dryRun: false, ct);
        foreach (var version in pruning.Retired) LogRetired(version);
        return pruning.Retired.Count;
    }

    private async Task LoopAsync<T>(Func<CancellationToken, Task<T>> turn, Func<Task> pause, CancellationToken ct)
    {
        string? failure = null;
        while (true)
        {
            try
            {
                await turn(ct);
                if (failure is not null) LogFollowing();
                failure = null;
            }
            catch (Exception e) when ((e is InputException || DatabaseErrors.FaultOf(e) is not null) && !ct.IsCancellationRequested)
            {
                // Once, not at every look: what is wrong stays wrong for a while.
                if (failure != e.Message) LogTurnFailed(e is InputException ? null : e, e.Message);
                failure = e.Message;
            }

            await (failure is null ? pause() : Task.Delay(_options.PollInterval, time, ct));
        }
    }

    private async Task<bool> WarnAsync(CancellationToken ct)
    {
        foreach (var warning in ServerCheck.Warnings(await ServerCheck.ReadAsync(db, ct))) LogServer(warning);
        return true;
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Release {ModelVersion} is retired: it isn't among the newest that are kept, and nobody needs it")]
    private partial void LogRetired(string modelVersion);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Warning}")]
    private partial void LogServer(string warning);

    [LoggerMessage(Level = LogLevel.Error, Message = "The database can't be followed right now: {Reason}")]
    private partial void LogTurnFailed(Exception? exception, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "The database can be followed again")]
    private partial void LogFollowing();
}
