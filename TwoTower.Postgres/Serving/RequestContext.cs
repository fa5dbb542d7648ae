using Npgsql;
using TwoTower.Core.Features;
using TwoTower.Postgres.Connections;

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

    internal static async Task<RequestContext> ReadAsync(
        ServingQuery query, Guid userId, DateTimeOffset? asOf, string? except, CancellationToken ct) =>
        (await query.ListAsync(
            """
            select model_version, as_of, like_count, payload::text, history::text, taste::text, experiment_id, is_treated, read_at
            from two_tower.serving_context(@user, @as_of, @except)
            """,
            [Statements.Parameter("user", userId), Statements.Parameter("as_of", asOf), Statements.Parameter("except", except)],
            row => Read(row, userId), ct))[0];

    private static RequestContext Read(SqlRow row, Guid userId)
    {
        var time = row.Get<DateTimeOffset>("as_of");
        var payload = row.GetOrNull<string>("payload") is { } json ? UserPayload.Parse(json)
            : row.GetOrNull<string>("history") is { } history ? HistoryJson.Payload(userId, time, history)
            : null;
        return new(
            row.GetOrNull<string>("model_version"), time, row.Get<int>("like_count"), payload,
            row.GetOrNull<string>("taste") is { } taste ? Taste.Parse(taste) : null,
            row.Get<long?>("experiment_id"), row.Get<bool?>("is_treated") == true, row.Get<DateTimeOffset>("read_at"));
    }
}
