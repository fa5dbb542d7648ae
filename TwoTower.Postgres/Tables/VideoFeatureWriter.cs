using Npgsql;
using TwoTower.Core.Rows;

namespace TwoTower.Postgres.Tables;

/// <summary>
/// Writes <c>two_tower.video_features</c>: of the names that the source has, the vectors of its videos become exactly those of the source;
/// other names and other videos keep theirs.
/// </summary>
internal static class VideoFeatureWriter
{
    private const string Table = "video_features";

    /// <summary>Writes the vectors of videos; a vector that is there already isn't touched.</summary>
    public static async Task WriteAsync(
        NpgsqlConnection connection, IReadOnlyList<VideoRow> videos, IProgress<WriteProgress>? progress, CancellationToken ct)
    {
        var rows = videos.SelectMany(video => video.VideoFeatures.Select(vector => (video.Id, vector.Key, vector.Value))).ToList();
        if (rows.Count == 0) return;
        var staging = await Staging.CreateAsync(
            connection, Table, [new("video_id", "uuid"), new("name", "text"), new("vector", "real[]")], ct, schema: "two_tower");
        await staging.CopyAsync(rows, static (writer, row) =>
        {
            writer.Write(row.Id);
            writer.Write(row.Key);
            writer.Write(row.Value);
        }, progress, ct);
        await Staging.ExecuteAsync(
            connection,
            $"""
            delete from two_tower.{Table} f
            using pg_temp.staged_videos v
            where f.video_id = v.id
              and f.name in (select s.name from {staging.Table} s)
              and not exists (select from {staging.Table} s where s.video_id = f.video_id and s.name = f.name);

            insert into two_tower.{Table} as f (video_id, name, vector)
            select {staging.Select} from {staging.Table} s
            on conflict (video_id, name) do update set vector = excluded.vector
            where f.vector::real[] is distinct from excluded.vector::real[]
            """, ct);
        await Staging.ExecuteAsync(connection, $"analyze two_tower.{Table}", ct);
    }
}
