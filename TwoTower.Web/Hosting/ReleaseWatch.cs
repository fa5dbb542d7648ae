using Microsoft.Extensions.Options;
using Npgsql;
using TwoTower.Core;
using TwoTower.Postgres.Connections;
using TwoTower.Postgres.Serving;
using TwoTower.Web.Settings;

namespace TwoTower.Web.Hosting;

/// <summary>
/// Loads towers before requests need them: of the active release, of the one that a rollback leads to, and of the newest that is ready. It
/// looks every few seconds, and at once after an activation where it holds a session of its own to LISTEN on. Which release answers isn't
/// decided here: every request reads the pointer itself.
/// </summary>
internal sealed partial class ReleaseWatch(
    NpgsqlDataSource db, TowerCache towers, IOptions<ApiOptions> options, TimeProvider time,
    ILogger<ReleaseWatch> logger) : BackgroundService
{
    private const string Channel = "two_tower_release";

    // A look that takes longer has lost its connection to somebody who says nothing.
    private const int LookSeconds = 5;

    private readonly TimeSpan _poll = TimeSpan.FromSeconds(options.Value.ReleasePollSeconds);
    private readonly TaskCompletionSource _looked = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private IReadOnlyList<string> _loaded = [];
    private string? _active;
    private bool _pooled;

    /// <summary>Returns after the first look, so that the first request finds its tower; a database that is away holds up no
    /// start.</summary>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        await base.StartAsync(cancellationToken);
        await _looked.Task.WaitAsync(TimeSpan.FromSeconds(LookSeconds), time, cancellationToken).ConfigureAwait(
            ConfigureAwaitOptions.SuppressThrowing);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var failing = false;
        try
        {
            while (true)
            {
                try
                {
                    await WatchAsync(() => failing = Recovered(failing), stoppingToken);
                }
                catch (Exception e) when (DatabaseErrors.FaultOf(e) is not null)
                {
                    // What sits unused in the pool was cut like this one; a statement that the server refuses cut nothing.
                    if (e is not PostgresException) db.Clear();
                    if (!failing) LogAway(e.Message);
                    failing = true;
                    _looked.TrySetResult();
                    await Task.Delay(_poll, time, stoppingToken);
                }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The process is stopping.
        }
    }

    // One connection's time: as long as it lives where it listens, else one look.
    private async Task WatchAsync(Action looked, CancellationToken ct)
    {
        await using (var connection = await db.OpenConnectionAsync(ct))
        {
            var listening = await ListenAsync(connection, ct);
            do
            {
                await LookAsync(connection, ct);
                looked();
                _looked.TrySetResult();
            }
            while (listening && await NextAsync(connection, ct));
        }

        await Task.Delay(_poll, time, ct);
    }

    private async Task<bool> NextAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        await connection.WaitAsync(_poll, ct);
        return true;
    }

    // A pooler answers for the server: the process that it names isn't the one that runs the statement. LISTEN would reach a session that
    // the next transaction of somebody else gets. With a pool of one or two connections none is left to hold.
    private async Task<bool> ListenAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        if (!options.Value.Listen || new NpgsqlConnectionStringBuilder(db.ConnectionString).MaxPoolSize < 3) return false;
        var backend = await connection.Sql("select pg_backend_pid()").WithTimeout(LookSeconds).ScalarAsync<int>(ct);
        if (backend != connection.ProcessID)
        {
            if (!_pooled && new NpgsqlConnectionStringBuilder(db.ConnectionString).MaxAutoPrepare > 0) LogPrepares();
            _pooled = true;
            return false;
        }

        await connection.Sql($"listen {Channel}").WithTimeout(LookSeconds).ExecuteAsync(ct);
        return true;
    }

    private async Task LookAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        var releases = await connection.Sql("select model_version, is_active from two_tower.releases_to_load()").WithTimeout(LookSeconds)
            .ListAsync(row => (Version: row.Get<string>("model_version"), IsActive: row.Get<bool>("is_active")), ct);
        List<string> wanted = [.. releases.Take(towers.Capacity).Select(release => release.Version)];
        var active = releases.Take(towers.Capacity).LastOrDefault(release => release.IsActive).Version;

        // Only what is new: a cache that is too small for all that is asked for would otherwise be turned over at every look. The most
        // needed comes last, and so makes room last.
        foreach (var version in wanted.Except(_loaded).Reverse()) await LoadAsync(version, ct);
        _loaded = wanted;
        if (active == _active) return;
        _active = active;
        if (active is not null) LogServing(active);
    }

    private async Task LoadAsync(string version, CancellationToken ct)
    {
        try
        {
            (await towers.BorrowAsync(version, ct)).Dispose();
        }
        catch (InputException e)
        {
            LogUnusable(version, e.Message);
        }
    }

    private bool Recovered(bool failing)
    {
        if (failing) LogBack();
        return false;
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Release {ModelVersion} is served")]
    private partial void LogServing(string modelVersion);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The tower of {ModelVersion} can't be loaded: {Reason}")]
    private partial void LogUnusable(string modelVersion, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "There is a pooler before the database, and the connection string has Max Auto Prepare: "
        + "in transaction mode only PgBouncer 1.21 and later with max_prepared_statements keeps prepared statements; leave the keyword out")]
    private partial void LogPrepares();

    [LoggerMessage(Level = LogLevel.Warning, Message = "Releases can't be followed right now: {Reason}")]
    private partial void LogAway(string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "Releases can be followed again")]
    private partial void LogBack();
}
