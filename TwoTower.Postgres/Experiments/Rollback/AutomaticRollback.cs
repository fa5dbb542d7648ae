using System.Text.Json;
using Npgsql;
using NpgsqlTypes;
using TwoTower.Core.Artifacts;
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
        if (await WatchedAsync(ct).ConfigureAwait(false) is not { } watched) return null;
        var reason = RollbackRule.Judge(watched.Live, watched.Previous, options) ?? await JudgeLikesAsync(watched, ct).ConfigureAwait(false);
        return reason is null ? null : await UndoAsync(watched, reason, ct).ConfigureAwait(false);
    }

    private async Task<Watched?> WatchedAsync(CancellationToken ct)
    {
        await using var command = db.CreateCommand(
            """
            select activation_id, model_version, target, activated_at, read_at, requests, answers, empty, failed, empty_users, failed_users,
                target_requests, target_answers, target_empty, target_failed
            from two_tower.watched_activation($1, $2)
            """);
        command.Parameters.Add(new() { Value = options.Window });
        command.Parameters.Add(new() { Value = options.Baseline });
        await using var row = await command.ExecuteReaderAsync(ct).ConfigureAwait(false);
        return await row.ReadAsync(ct).ConfigureAwait(false)
            ? new(
                row.GetInt64(0), row.GetString(1), row.GetString(2), row.GetFieldValue<DateTimeOffset>(3), row.GetFieldValue<DateTimeOffset>(4),
                new(row.GetInt64(5), row.GetInt64(6), row.GetInt64(7), row.GetInt64(8), row.GetInt64(9), row.GetInt64(10)),
                new(row.GetInt64(11), row.GetInt64(12), row.GetInt64(13), row.GetInt64(14)))
            : null;
    }

    private async Task<RollbackReason?> JudgeLikesAsync(Watched watched, CancellationToken ct)
    {
        var until = watched.ReadAt - options.DecisionWithin;
        if (options.LikesMargin >= 1 || until <= watched.ActivatedAt) return null;
        await using (var claim = db.CreateCommand("select two_tower.claim_rollback_check($1)"))
        {
            claim.Parameters.Add(new() { Value = options.LikesInterval });
            if (!(bool)(await claim.ExecuteScalarAsync(ct).ConfigureAwait(false))!) return null;
        }

        var live = await OutcomesAsync(watched.ModelVersion, watched.ActivatedAt, until, ct).ConfigureAwait(false);
        if (live.Count < options.MinUsers) return null;
        var previous = await OutcomesAsync(watched.Target, watched.ActivatedAt - options.Baseline, watched.ActivatedAt, ct).ConfigureAwait(false);
        return RollbackRule.Judge(live, previous, options);
    }

    private Task<IReadOnlyList<UserOutcome>> OutcomesAsync(string version, DateTimeOffset since, DateTimeOffset until, CancellationToken ct) =>
        ReleaseComparer.ReadAsync(db, version, since, until, options.DecisionWithin, experiment: null, ct);

    private async Task<RolledBack?> UndoAsync(Watched watched, RollbackReason reason, CancellationToken ct)
    {
        using var span = ReleaseTelemetry.Begin("automatic rollback", watched.ModelVersion);
        await using var command = db.CreateCommand("select model_version, undone_model_version from two_tower.undo_activation($1, $2, $3, $4)");
        command.Parameters.Add(new() { Value = watched.ActivationId });
        command.Parameters.Add(new() { Value = Actor });
        command.Parameters.Add(new() { Value = reason.ToString() });
        command.Parameters.Add(new() { Value = JsonSerializer.Serialize(new { reason, options }, ArtifactJson.Options), NpgsqlDbType = NpgsqlDbType.Jsonb });
        await using var row = await command.ExecuteReaderAsync(ct).ConfigureAwait(false);
        await row.ReadAsync(ct).ConfigureAwait(false);
        if (row.IsDBNull(0)) return null;
        ReleaseTelemetry.RolledBack(reason.Rule);
        return new(row.GetString(0), row.GetString(1), reason);
    }

    private sealed record Watched(
        long ActivationId, string ModelVersion, string Target, DateTimeOffset ActivatedAt, DateTimeOffset ReadAt, JudgedOutcomes Live, JudgedOutcomes Previous);
}
