using Npgsql;
using TwoTower.Core.Features;
using TwoTower.Core.Inference;
using TwoTower.Core.Rows;
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
        select v.id, two_tower.plain_number(v.price::numeric),
            case when v.duration_seconds between -2147483648 and 2147483647 then v.duration_seconds::int end,
            two_tower.plain_time(v.product_released_at), two_tower.plain_time(v.distribution_started_at),
            least(greatest(coalesce(v.safety_level, 0), -32768), 32767)::smallint, array(select r.code::text from unnest(v.region_codes) as r (code) where r.code is not null),
            array(select t.tag_name from two_tower.video_tag_names t where t.video_id = v.id and t.tag_name is not null),
            array(select p.performer_name from two_tower.video_performer_names p where p.video_id = v.id and p.performer_name is not null)
        from public.videos v where v.id = any ($1)
        """;

    /// <summary>Of a release and its item tower; one without a tower reads no vectors.</summary>
    public static ItemSource Of(Release release, ItemTower? tower) => new(release.UseRpcFeatures, string.Join('\n', tower?.VideoFeatures ?? []));

    /// <summary>Reads the payloads of those videos that exist.</summary>
    public async Task<List<ItemPayload>> ReadAsync(NpgsqlDataSource db, Guid[] videoIds, CancellationToken ct)
    {
        var names = VideoFeatures.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var items = new List<ItemPayload>(videoIds.Length);
        if (InSql)
        {
            await foreach (var item in PayloadReader.ReadItemsAsync(db, videoIds, names, ct)) items.Add(item);
            return items;
        }

        await using var connection = await db.OpenConnectionAsync(ct);
        var vectors = await VideoFeatureReader.ReadAsync(connection, videoIds, names, ct);
        await using var command = new NpgsqlCommand(Videos, connection) { Parameters = { new() { Value = videoIds } } };
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct)) items.Add(PayloadBuilder.BuildItem(Video(reader)) with { VideoFeatures = vectors.GetValueOrDefault(reader.GetGuid(0)) });
        return items;
    }

    private static VideoRow Video(NpgsqlDataReader row) => new()
    {
        Id = row.GetGuid(0),
        Price = row.IsDBNull(1) ? null : row.GetDecimal(1),
        DurationSeconds = row.IsDBNull(2) ? null : row.GetInt32(2),
        ProductReleasedAt = row.IsDBNull(3) ? null : row.GetFieldValue<DateTimeOffset>(3),
        DistributionStartedAt = row.IsDBNull(4) ? null : row.GetFieldValue<DateTimeOffset>(4),
        SafetyLevel = row.GetInt16(5),
        RegionCodes = row.GetFieldValue<string[]>(6),
        Tags = row.GetFieldValue<string[]>(7),
        Performers = row.GetFieldValue<string[]>(8),
    };
}
