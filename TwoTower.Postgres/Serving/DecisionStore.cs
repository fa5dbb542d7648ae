using Microsoft.Extensions.Options;
using Npgsql;
using TwoTower.Core.Rows;
using TwoTower.Postgres.Connections;

namespace TwoTower.Postgres.Serving;

/// <summary>What became of a decision.</summary>
internal enum DecisionOutcome
{
    /// <summary>Written.</summary>
    Recorded,

    /// <summary>The same decision of the same time was there: nothing changed.</summary>
    AlreadyThere,

    /// <summary>There is no such video.</summary>
    UnknownVideo,

    /// <summary>Its time is more than five minutes ahead of the database's clock.</summary>
    InTheFuture,

    /// <summary>The table's own constraints allow no further decision on this video (a Supabase project may have such).</summary>
    Conflict,
}

/// <summary>Writes users' decisions. What is written counts in the next request: nothing of a user is cached.</summary>
/// <param name="limits">The deadline; null: the default one.</param>
internal sealed class DecisionStore(NpgsqlDataSource db, IOptions<ServingLimits>? limits = null)
{
    private readonly ServingQuery _query = new(db, (limits?.Value ?? new ServingLimits()).Deadline);

    /// <summary>Records a decision.</summary>
    /// <param name="userId">Who; needs no profile.</param>
    /// <param name="videoId">On what.</param>
    /// <param name="type">Like or nope.</param>
    /// <param name="decidedAt">When; null is now by the database's clock. Given, a repetition changes nothing.</param>
    /// <returns>What became of it, and the time it is recorded under.</returns>
    public async Task<(DecisionOutcome Outcome, DateTimeOffset At)> RecordAsync(
        Guid userId, Guid videoId, DecisionType type, DateTimeOffset? decidedAt, CancellationToken ct = default)
    {
        var name = type == DecisionType.Like ? "like" : "nope";
        var (word, at) = (await _query.ListAsync(
            "select outcome, decided_at from two_tower.record_decision(@user, @video, @type, @decided_at)",
            [
                Statements.Parameter("user", userId), Statements.Parameter("video", videoId), Statements.Parameter("type", name),
                Statements.Parameter("decided_at", decidedAt),
            ],
            row => (row.Get<string>("outcome"), row.Get<DateTimeOffset>("decided_at")), ct))[0];
        var outcome = word switch
        {
            "recorded" => DecisionOutcome.Recorded,
            "already_there" => DecisionOutcome.AlreadyThere,
            "in_the_future" => DecisionOutcome.InTheFuture,
            "unknown_video" => DecisionOutcome.UnknownVideo,
            _ => DecisionOutcome.Conflict,
        };
        if (outcome == DecisionOutcome.Recorded) ServingTelemetry.Decision(name);
        return (outcome, at);
    }
}
