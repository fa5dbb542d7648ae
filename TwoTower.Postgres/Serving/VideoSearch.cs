using Npgsql;
using TwoTower.Postgres.Connections;

namespace TwoTower.Postgres.Serving;

/// <summary>The three searches for candidates, one statement each; the SQL is in <c>sql/functions</c>.</summary>
/// <param name="query">Asks the database.</param>
internal sealed class VideoSearch(ServingQuery query)
{
    private const string Columns =
        "video_id, value, external_id, title, thumbnail_url, duration_seconds, price, released_at, tags, performers";

    private const string Filter = "@max_safety_level, @regions, @exclude, @banned_tags";

    /// <summary>Nearest to a vector, in the vectors of one release; without what a user has decided on, where one is given.</summary>
    /// <param name="limit">Most videos to return.</param>
    /// <param name="lookedAt">For how many the index looks, if more: it finds the nearest the surer.</param>
    /// <exception cref="StaleReleaseException">That release isn't there any more.</exception>
    public Task<List<Candidate>> NearestAsync(
        float[] embedding, int limit, int lookedAt, VideoFilter filter, Guid? seenBy, string modelVersion, CancellationToken ct) =>
        ReadAsync(
            $"select {Columns} from two_tower.nearest_videos(@embedding, @limit, {Filter}, @version, @seen_by, @looked_at)",
            [
                Statements.Parameter("embedding", embedding),
                Statements.Parameter("limit", limit),
                .. Conditions(filter),
                Statements.Parameter("version", modelVersion),
                Statements.Parameter("seen_by", seenBy),
                Statements.Parameter("looked_at", lookedAt),
            ],
            limit, ct);

    /// <summary>Nearest to a video, in the vectors of one release; never the video itself.</summary>
    /// <exception cref="StaleReleaseException">That release isn't there any more.</exception>
    /// <exception cref="RecommendationException">There is no such video, or it has no vector.</exception>
    public Task<List<Candidate>> SimilarAsync(Guid videoId, int limit, VideoFilter filter, string modelVersion, CancellationToken ct) =>
        ReadAsync(
            $"select {Columns} from two_tower.similar_videos(@video, @limit, {Filter}, @version)",
            [
                Statements.Parameter("video", videoId),
                Statements.Parameter("limit", limit),
                .. Conditions(filter),
                Statements.Parameter("version", modelVersion),
            ],
            limit, ct);

    /// <summary>The most popular and the newest: up to twice <paramref name="limit"/>.</summary>
    public Task<List<Candidate>> PopularAsync(int limit, VideoFilter filter, Guid? seenBy, DateTimeOffset asOf, CancellationToken ct) =>
        ReadAsync(
            $"select {Columns} from two_tower.popular_videos(@limit, @as_of, {Filter}, @seen_by)",
            [
                Statements.Parameter("limit", limit),
                Statements.Parameter("as_of", asOf),
                .. Conditions(filter),
                Statements.Parameter("seen_by", seenBy),
            ],
            2 * limit, ct);

    /// <summary>Whether an empty answer of a release is its fault: the release to go back to would have found a video.</summary>
    public async Task<bool> OtherReleaseFindsAsync(string modelVersion, VideoFilter filter, Guid? seenBy, CancellationToken ct) =>
        (await query.ListAsync(
            $"select two_tower.other_release_finds(@version, {Filter}, @seen_by) as finds",
            [Statements.Parameter("version", modelVersion), .. Conditions(filter), Statements.Parameter("seen_by", seenBy)],
            row => row.Get<bool>("finds"), ct))[0];

    private static IEnumerable<NpgsqlParameter> Conditions(VideoFilter filter) =>
    [
        Statements.Parameter("max_safety_level", filter.MaxSafetyLevel),
        Statements.Parameter<string[]>("regions", [.. filter.Regions]),
        Statements.Parameter<Guid[]>("exclude", [.. filter.ExcludeVideoIds]),
        Statements.Parameter<string[]>("banned_tags", [.. filter.BannedTags]),
    ];

    private async Task<List<Candidate>> ReadAsync(string sql, NpgsqlParameter[] parameters, int expected, CancellationToken ct)
    {
        try
        {
            return await query.ListAsync(sql, parameters, Read, ct, expected);
        }
        catch (PostgresException e) when (SearchErrors.Explain(e) is { } explained)
        {
            throw explained;
        }
    }

    private static Candidate Read(SqlRow row) => new(
        new VideoCard
        {
            Id = row.Get<Guid>("video_id"),
            ExternalId = row.GetOrNull<string>("external_id"),
            Title = row.GetOrNull<string>("title"),
            ThumbnailUrl = row.GetOrNull<string>("thumbnail_url"),
            DurationSeconds = row.Get<int?>("duration_seconds"),
            Price = row.Get<decimal?>("price"),
            ReleasedAt = row.Get<DateTimeOffset?>("released_at"),
            Tags = row.Get<string[]>("tags"),
            Performers = row.Get<string[]>("performers"),
        },
        row.Get<double>("value"));
}
