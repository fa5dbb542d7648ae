using Npgsql;
using NpgsqlTypes;
using TwoTower.Core.Features;

namespace TwoTower.Postgres.Serving;

/// <summary>What a recommendation knows before it runs the tower; read in one round trip, so that all of it is of one moment.</summary>
/// <param name="ModelVersion">The release that the user is served by; null with none.</param>
/// <param name="AsOf">The time that features and order are of.</param>
/// <param name="LikeCount">Videos that the user's last word is a like of.</param>
/// <param name="Payload">The user's features; null without likes or without a release, when nobody needs them.</param>
/// <param name="Taste">How many of those videos have each tag and performer; null where the payload is.</param>
/// <param name="ExperimentId">The experiment that is running; null with none.</param>
/// <param name="IsTreated">True when the release is the experiment's, and not the active one.</param>
/// <param name="ReadAt">Now, by the database's clock, whatever the as-of.</param>
internal sealed record RequestContext(
    string? ModelVersion, DateTimeOffset AsOf, int LikeCount, UserPayload? Payload, Taste? Taste, long? ExperimentId, bool IsTreated,
    DateTimeOffset ReadAt)
{
    /// <summary>Reads it; nothing of a user is ever cached.</summary>
    /// <param name="userId">The user, known or not.</param>
    /// <param name="asOf">Null: now, by the database's clock.</param>
    /// <param name="except">An experiment's release that the caller can't use: its users get the active one.</param>
    public static Task<RequestContext> ReadAsync(
        NpgsqlDataSource db, Guid userId, DateTimeOffset? asOf, CancellationToken ct, string? except = null) =>
        ReadAsync(new ServingQuery(db, new ServingLimits().Deadline), userId, asOf, except, ct);

    internal static Task<RequestContext> ReadAsync(ServingQuery query, Guid userId, DateTimeOffset? asOf, string? except, CancellationToken ct) =>
        query.ReadAsync(
            """
            select model_version, as_of, like_count, payload::text, history::text, taste::text, experiment_id, is_treated, read_at
            from two_tower.serving_context($1, $2, $3)
            """,
            [
                new NpgsqlParameter<Guid> { TypedValue = userId },
                new() { Value = (object?)asOf ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.TimestampTz },
                new() { Value = (object?)except ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text },
            ],
            row => ReadAsync(row, userId), ct);

    private static async Task<RequestContext> ReadAsync(NpgsqlDataReader row, Guid userId)
    {
        await row.ReadAsync(CancellationToken.None).ConfigureAwait(false);
        var time = row.GetFieldValue<DateTimeOffset>(1);
        var payload = !row.IsDBNull(3) ? UserPayload.Parse(row.GetString(3))
            : !row.IsDBNull(4) ? HistoryJson.Payload(userId, time, row.GetString(4))
            : null;
        return new(row.IsDBNull(0) ? null : row.GetString(0), time, row.GetInt32(2), payload, row.IsDBNull(5) ? null : Taste.Parse(row.GetString(5)),
            row.IsDBNull(6) ? null : row.GetInt64(6), !row.IsDBNull(7) && row.GetBoolean(7), row.GetFieldValue<DateTimeOffset>(8));
    }
}
