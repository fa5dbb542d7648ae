using Npgsql;
using NpgsqlTypes;

namespace TwoTower.Postgres.Serving;

/// <summary>The three searches for candidates, one statement each; the SQL is in <c>sql/functions</c>.</summary>
/// <param name="query">Asks the database.</param>
internal sealed class VideoSearch(ServingQuery query)
{
    private const string Columns =
        "video_id, value, external_id, title, thumbnail_url, duration_seconds, price, released_at, tags, performers";

    /// <summary>Nearest to a vector, in the vectors of one release; without what a user has decided on, where one is given.</summary>
    /// <exception cref="StaleReleaseException">That release isn't there any more.</exception>
    public Task<List<Candidate>> NearestAsync(
        float[] embedding, int limit, VideoFilter filter, Guid? seenBy, string modelVersion, CancellationToken ct) =>
        ReadAsync(
            $"select {Columns} from two_tower.nearest_videos($1, $2, $3, $4, $5, $6, $7, $8)",
            [
                new() { Value = embedding, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Real },
                new NpgsqlParameter<int> { TypedValue = limit },
                .. Conditions(filter),
                new NpgsqlParameter<string> { TypedValue = modelVersion },
                Seen(seenBy),
            ],
            limit, ct);

    /// <summary>Nearest to a video, in the vectors of one release; never the video itself.</summary>
    /// <exception cref="StaleReleaseException">That release isn't there any more.</exception>
    /// <exception cref="RecommendationException">There is no such video, or it has no vector.</exception>
    public Task<List<Candidate>> SimilarAsync(Guid videoId, int limit, VideoFilter filter, string modelVersion, CancellationToken ct) =>
        ReadAsync(
            $"select {Columns} from two_tower.similar_videos($1, $2, $3, $4, $5, $6, $7)",
            [
                new NpgsqlParameter<Guid> { TypedValue = videoId },
                new NpgsqlParameter<int> { TypedValue = limit },
                .. Conditions(filter),
                new NpgsqlParameter<string> { TypedValue = modelVersion },
            ],
            limit, ct);

    /// <summary>The most popular and the newest: up to twice <paramref name="limit"/>.</summary>
    public Task<List<Candidate>> PopularAsync(int limit, VideoFilter filter, Guid? seenBy, DateTimeOffset asOf, CancellationToken ct) =>
        ReadAsync(
            $"select {Columns} from two_tower.popular_videos($1, $2, $3, $4, $5, $6, $7)",
            [
                new NpgsqlParameter<int> { TypedValue = limit },
                new NpgsqlParameter<DateTimeOffset> { TypedValue = asOf.ToUniversalTime() },
                .. Conditions(filter),
                Seen(seenBy),
            ],
            2 * limit, ct);

    /// <summary>Whether an empty answer of a release is its fault: the release to go back to would have found a video.</summary>
    public Task<bool> OtherReleaseFindsAsync(string modelVersion, VideoFilter filter, Guid? seenBy, CancellationToken ct) =>
        query.ReadAsync(
            "select two_tower.other_release_finds($1, $2, $3, $4, $5, $6)",
            [new NpgsqlParameter<string> { TypedValue = modelVersion }, .. Conditions(filter), Seen(seenBy)],
            async row => await row.ReadAsync(CancellationToken.None).ConfigureAwait(false) && row.GetBoolean(0), ct);

    private static IEnumerable<NpgsqlParameter> Conditions(VideoFilter filter) =>
    [
        new NpgsqlParameter<int> { TypedValue = filter.MaxSafetyLevel },
        new NpgsqlParameter<string[]> { TypedValue = [.. filter.Regions] },
        new NpgsqlParameter<Guid[]> { TypedValue = [.. filter.ExcludeVideoIds] },
        new NpgsqlParameter<string[]> { TypedValue = [.. filter.BannedTags] },
    ];

    private static NpgsqlParameter Seen(Guid? by) => new() { Value = (object?)by ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid };

    private async Task<List<Candidate>> ReadAsync(string sql, NpgsqlParameter[] parameters, int expected, CancellationToken ct)
    {
        try
        {
            return await query.ReadAsync(
                sql, parameters,
                async row =>
                {
                    var found = new List<Candidate>(expected);
                    while (await row.ReadAsync(CancellationToken.None).ConfigureAwait(false)) found.Add(Read(row));
                    return found;
                }, ct).ConfigureAwait(false);
        }
        catch (PostgresException e) when (SearchErrors.Explain(e) is { } explained)
        {
            throw explained;
        }
    }

    private static Candidate Read(NpgsqlDataReader row) => new(
        new VideoCard
        {
            Id = row.GetGuid(0),
            ExternalId = row.IsDBNull(2) ? null : row.GetString(2),
            Title = row.IsDBNull(3) ? null : row.GetString(3),
            ThumbnailUrl = row.IsDBNull(4) ? null : row.GetString(4),
            DurationSeconds = row.IsDBNull(5) ? null : row.GetInt32(5),
            Price = row.IsDBNull(6) ? null : row.GetDecimal(6),
            ReleasedAt = row.IsDBNull(7) ? null : row.GetFieldValue<DateTimeOffset>(7),
            Tags = row.GetFieldValue<string[]>(8),
            Performers = row.GetFieldValue<string[]>(9),
        },
        row.GetDouble(1));
}
