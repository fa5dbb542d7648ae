using Npgsql;
using TwoTower.Core;
using TwoTower.Core.Features;
using TwoTower.Core.Inference;
using TwoTower.Core.Rows;
using TwoTower.Postgres.Connections;
using TwoTower.Postgres.Features;
using TwoTower.Postgres.Releases;
using TwoTower.Postgres.Tables;

namespace TwoTower.Embedding.Encoding;

/// <summary>
/// The payloads of some videos as a release wants them: computed by the SQL functions or in process, with the vectors that its tower reads.
/// Equal for two releases that want the same.
/// </summary>
/// <param name="InSql">True: the SQL functions compute them.</param>
/// <param name="VideoFeatures">Names of vectors, a line each.</param>
internal readonly record struct ItemSource(bool InSql, string VideoFeatures)
{
    private const string Videos =
        """
        select v.id, two_tower.plain_number(v.price::numeric) as price,
            case when v.duration_seconds between -2147483648 and 2147483647 then v.duration_seconds::int end as duration_seconds,
            two_tower.plain_time(v.product_released_at) as product_released_at,
            two_tower.plain_time(v.distribution_started_at) as distribution_started_at,
            least(greatest(coalesce(v.safety_level, 0), -32768), 32767)::smallint as safety_level,
            array(select r.code::text from unnest(v.region_codes) as r (code) where r.code is not null) as region_codes,
            array(select t.tag_name from two_tower.video_tag_names t where t.video_id = v.id and t.tag_name is not null) as tags,
            array(
                select p.performer_name from two_tower.video_performer_names p
                where p.video_id = v.id and p.performer_name is not null) as performers
        from public.videos v where v.id = any (@ids)
        """;

    /// <summary>Of a release and its item tower; one without a tower reads no vectors.</summary>
    public static ItemSource Of(Release release, ItemTower? tower) =>
        new(release.UseRpcFeatures, string.Join('\n', tower?.VideoFeatures ?? []));

    /// <summary>Reads the payloads of those videos that exist.</summary>
    /// <exception cref="InputException">Row-level security hides videos.</exception>
    public async Task<List<ItemPayload>> ReadAsync(NpgsqlDataSource db, Guid[] videoIds, CancellationToken ct)
    {
        var names = VideoFeatures.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        if (InSql)
        {
            var items = new List<ItemPayload>(videoIds.Length);
            await foreach (var item in PayloadReader.ReadItemsAsync(db, videoIds, names, ct)) items.Add(item);
            return items;
        }

        await using var connection = await db.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await WholeTables.BeginAsync(connection, WholeTables.Catalogue, ct);
        var vectors = await VideoFeatureReader.ReadAsync(connection, videoIds, names, ct);
        var videos = await connection.Sql(Videos).With("ids", videoIds).ListAsync(Video, ct);
        return [.. videos.Select(video => PayloadBuilder.BuildItem(video) with { VideoFeatures = vectors.GetValueOrDefault(video.Id) })];
    }

    private static VideoRow Video(SqlRow row) => new()
    {
        Id = row.Get<Guid>("id"),
        Price = row.Get<decimal?>("price"),
        DurationSeconds = row.Get<int?>("duration_seconds"),
        ProductReleasedAt = row.Get<DateTimeOffset?>("product_released_at"),
        DistributionStartedAt = row.Get<DateTimeOffset?>("distribution_started_at"),
        SafetyLevel = row.Get<short>("safety_level"),
        RegionCodes = row.Get<string[]>("region_codes"),
        Tags = row.Get<string[]>("tags"),
        Performers = row.Get<string[]>("performers"),
    };
}
