using System.Text.Json;
using Npgsql;
using TwoTower.Core.Formats;
using TwoTower.Postgres.Connections;
using TwoTower.Postgres.Experiments.Comparison;
using TwoTower.Postgres.Releases;

namespace TwoTower.Postgres.Experiments.Rollback;

/// <summary>What was rolled back, and why.</summary>
/// <param name="ModelVersion">The release that is active again.</param>
/// <param name="Undone">The one that was left.</param>
/// <param name="Reason">The rule and its numbers.</param>
internal sealed record RolledBack(string ModelVersion, string Undone, RollbackReason Reason);

/// <summary>
/// Watches the release that was activated last and goes back when it misbehaves. Any number of replicas may do so: what they go by is
/// counted in the database, and one of them carries it out.
/// </summary>
/// <param name="options">The rules.</param>
internal sealed class AutomaticRollback(NpgsqlDataSource db, RollbackOptions options)
{
    private const string Actor = "automatic rollback";

    /// <summary>One look.</summary>
    /// <returns>What was done; null: there was nothing to do, or another replica did it.</returns>
    public async Task<RolledBack?> CheckAsync(CancellationToken ct = default)
    {
        if (await WatchedAsync(ct) is not { } watched) return null;
        var reason = RollbackRule.Judge(watched.Live, watched.Previous, options) ?? await JudgeLikesAsync(watched, ct);
        return reason is null ? null : await UndoAsync(watched, reason, ct);
    }

    private Task<Watched?> WatchedAsync(CancellationToken ct) => db.Sql(
        """
        select activation_id, model_version, target, activated_at, read_at, requests, answers, empty, failed, empty_users, failed_users,
            target_requests, target_answers, target_empty, target_failed
        from two_tower.watched_activation(@window, @baseline)
        """)
        .With("window", options.Window).With("baseline", options.Baseline)
        .FirstOrNullAsync(row => new Watched(
            row.Get<long>("activation_id"), row.Get<string>("model_version"), row.Get<string>("target"),
            row.Get<DateTimeOffset>("activated_at"), row.Get<DateTimeOffset>("read_at"),
            new(row.Get<long>("requests"), row.Get<long>("answers"), row.Get<long>("empty"), row.Get<long>("failed"),
                row.Get<long>("empty_users"), row.Get<long>("failed_users")),
            new(row.Get<long>("target_requests"), row.Get<long>("target_answers"), row.Get<long>("target_empty"),
                row.Get<long>("target_failed"))), ct);

    private async Task<RollbackReason?> JudgeLikesAsync(Watched watched, CancellationToken ct)
    {
        var until = watched.ReadAt - options.DecisionWithin;
        if (options.LikesMargin >= 1 || until <= watched.ActivatedAt) return null;
        var isMine = await db.Sql("select two_tower.claim_rollback_check(@interval)").With("interval", options.LikesInterval)
            .ScalarAsync<bool>(ct);
        if (!isMine) return null;
        var live = await OutcomesAsync(watched.ModelVersion, watched.ActivatedAt, until, ct);
        if (live.Count < options.MinUsers) return null;
        var previous = await OutcomesAsync(watched.Target, watched.ActivatedAt - options.Baseline, watched.ActivatedAt, ct);
        return RollbackRule.Judge(live, previous, options);
    }

    private Task<IReadOnlyList<UserOutcome>> OutcomesAsync(
        string version, DateTimeOffset since, DateTimeOffset until, CancellationToken ct) =>
        ReleaseComparer.ReadAsync(db, version, since, until, options.DecisionWithin, experiment: null, ct);

    private async Task<RolledBack?> UndoAsync(Watched watched, RollbackReason reason, CancellationToken ct)
    {
        using var span = ReleaseTelemetry.Begin("automatic rollback", watched.ModelVersion);
        var (version, undone) = await db.Sql(
            "select model_version, undone_model_version from two_tower.undo_activation(@activation, @actor, @reason, @numbers)")
            .With("activation", watched.ActivationId).With("actor", Actor).With("reason", reason.ToString())
            .WithJson("numbers", JsonSerializer.Serialize(new { reason, options }, SnakeCaseJson.Strict))
            .SingleAsync(row => (row.GetOrNull<string>("model_version"), row.GetOrNull<string>("undone_model_version")), ct);
        if (version is null || undone is null) return null;
        ReleaseTelemetry.RolledBack(reason.Rule);
        return new(version, undone, reason);
    }

    private sealed record Watched(
        long ActivationId, string ModelVersion, string Target, DateTimeOffset ActivatedAt, DateTimeOffset ReadAt, JudgedOutcomes Live,
        JudgedOutcomes Previous);
}
