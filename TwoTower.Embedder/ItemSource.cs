using Npgsql;
using TwoTower.Core.Data;
using TwoTower.Core.Features;
using TwoTower.Core.Releases;

namespace TwoTower.Embedder;

/// <summary>The payloads of some videos, computed where the release says: by the SQL functions or in process.</summary>
internal static class ItemSource
{
    private const string Videos =
        """
        select v.id, v.price::numeric, v.duration_seconds::int, v.product_released_at::timestamptz, v.distribution_started_at::timestamptz,
            coalesce(v.safety_level, 0)::smallint, coalesce(v.region_codes, '{}')::text[],
            array(select t.tag_name from two_tower.video_tag_names t where t.video_id = v.id),
            array(select p.performer_name from two_tower.video_performer_names p where p.video_id = v.id)
        from public.videos v where v.id = any ($1)
        """;

    /// <summary>Reads the payloads of those videos that exist, in one statement.</summary>
    public static async Task<List<ItemPayload>> ReadAsync(NpgsqlDataSource db, Release release, Guid[] videoIds, CancellationToken ct)
    {
        var items = new List<ItemPayload>(videoIds.Length);
        if (release.UseRpcFeatures)
        {
            await foreach (var item in PayloadReader.ReadItemsAsync(db, videoIds, ct)) items.Add(item);
            return items;
        }

        await using var command = db.CreateCommand(Videos);
        command.Parameters.Add(new() { Value = videoIds });
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct)) items.Add(PayloadBuilder.BuildItem(Video(reader)));
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
