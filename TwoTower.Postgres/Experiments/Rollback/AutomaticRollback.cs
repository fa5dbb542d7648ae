using System.Text.Json;
using Npgsql;
using TwoTower.Core.Formats;
using TwoTower.Postgres.Connections;
using TwoTower.Postgres.Releases;
using TwoTower.Postgres.Serving;

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
/// <param name="popularity">How old a user must be to count in full; null: by default.</param>
internal sealed class AutomaticRollback(NpgsqlDataSource db, RollbackOptions options, PopularityOptions? popularity = null)
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
        var users = await LikesAsync(watched, until, ct);
        LikingUser[] Of(bool isLive) => [.. users.Where(user => user.IsLive == isLive).Select(user => user.User)];
        return RollbackRule.Judge(Of(isLive: true), Of(isLive: false), options);
    }

    private Task<List<(bool IsLive, LikingUser User)>> LikesAsync(Watched watched, DateTimeOffset until, CancellationToken ct) => db.Sql(
        """
        select is_live, user_id, weight, liked, recommendations
        from two_tower.rollback_likes(@live, @previous, @activated_at, @until, @baseline, @within, @maturity)
        """)
        .WithTimeout(0) // a day of impressions takes longer than a request; whoever asked can stop it
        .With("live", watched.ModelVersion).With("previous", watched.Target).With("activated_at", watched.ActivatedAt).With("until", until)
        .With("baseline", options.Baseline).With("within", options.DecisionWithin)
        .With("maturity", (popularity ?? new PopularityOptions()).Maturity)
        .ListAsync(row => (row.Get<bool>("is_live"), new LikingUser(
            row.Get<Guid>("user_id"), row.Get<double>("weight"), row.Get<double>("liked"),
            row.Get<long>("recommendations"))), ct);

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
