using Npgsql;
using NpgsqlTypes;
using TwoTower.Core.Rows;

namespace TwoTower.Postgres.Serving;

/// <summary>What became of a decision.</summary>
public enum DecisionOutcome
{
    /// <summary>Written.</summary>
    Recorded,

    /// <summary>The same decision of the same time was there: nothing changed.</summary>
    AlreadyThere,

    /// <summary>There is no such video.</summary>
    UnknownVideo,

    /// <summary>The table's own constraints allow no further decision on this video (a Supabase project may have such).</summary>
    Conflict,
}

/// <summary>Writes viewers' decisions. What is written counts in the next request: nothing of a user is cached.</summary>
/// <param name="db">The database.</param>
public sealed class DecisionStore(NpgsqlDataSource db)
{
    /// <summary>Records a decision.</summary>
    /// <param name="userId">Who; needs no profile.</param>
    /// <param name="videoId">On what.</param>
    /// <param name="type">Like or nope.</param>
    /// <param name="decidedAt">When; null is now by the database's clock. Given, a repetition changes nothing.</param>
    /// <param name="ct">Cancels.</param>
    /// <returns>What became of it, and the time it is recorded under.</returns>
    public async Task<(DecisionOutcome Outcome, DateTimeOffset At)> RecordAsync(
        Guid userId, Guid videoId, DecisionType type, DateTimeOffset? decidedAt, CancellationToken ct = default)
    {
        var name = type == DecisionType.Like ? "like" : "nope";
        await using var command = db.CreateCommand("select outcome, decided_at from two_tower.record_decision($1, $2, $3, $4)");
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = userId });
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = videoId });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = name });
        command.Parameters.Add(new() { Value = (object?)decidedAt?.ToUniversalTime() ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.TimestampTz });
        await using var row = await command.ExecuteReaderAsync(ct).ConfigureAwait(false);
        await row.ReadAsync(ct).ConfigureAwait(false);
        var outcome = row.GetString(0) switch
        {
            "recorded" => DecisionOutcome.Recorded,
            "already_there" => DecisionOutcome.AlreadyThere,
            "unknown_video" => DecisionOutcome.UnknownVideo,
            _ => DecisionOutcome.Conflict,
        };
        if (outcome == DecisionOutcome.Recorded) ServingTelemetry.Decision(name);
        return (outcome, row.GetFieldValue<DateTimeOffset>(1));
    }
}
