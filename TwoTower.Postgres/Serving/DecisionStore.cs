using Microsoft.Extensions.Options;
using Npgsql;
using NpgsqlTypes;
using TwoTower.Core.Rows;

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

/// <summary>Writes viewers' decisions. What is written counts in the next request: nothing of a user is cached.</summary>
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
        var (word, at) = await _query.ReadAsync(
            "select outcome, decided_at from two_tower.record_decision($1, $2, $3, $4)",
            [
                new NpgsqlParameter<Guid> { TypedValue = userId },
                new NpgsqlParameter<Guid> { TypedValue = videoId },
                new NpgsqlParameter<string> { TypedValue = name },
                new() { Value = (object?)decidedAt?.ToUniversalTime() ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.TimestampTz },
            ],
            async row =>
            {
                await row.ReadAsync(CancellationToken.None).ConfigureAwait(false);
                return (row.GetString(0), row.GetFieldValue<DateTimeOffset>(1));
            }, ct).ConfigureAwait(false);
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
