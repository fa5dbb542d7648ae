using Npgsql;
using TwoTower.Core.Rows;

namespace TwoTower.Postgres.Tables;

/// <summary>Writes the numbers and texts that uuids of users and videos were made from.</summary>
internal static class GivenIdWriter
{
    /// <summary>Writes those of rows that were written before.</summary>
    public static async Task WriteAsync(
        NpgsqlConnection connection, TableSet tables, IProgress<WriteProgress>? progress, CancellationToken ct)
    {
        await WriteAsync(
            connection, "given_user_ids", "user_id", [.. Pairs(tables.Profiles.Select(row => (row.UserId, row.GivenId)))], progress, ct);
        await WriteAsync(
            connection, "given_video_ids", "video_id", [.. Pairs(tables.Videos.Select(row => (row.Id, row.GivenId)))], progress, ct);
    }

    private static IEnumerable<(Guid Id, string Given)> Pairs(IEnumerable<(Guid Id, string? Given)> rows) =>
        rows.Where(row => row.Given is not null).Select(row => (row.Id, row.Given!));

    private static async Task WriteAsync(
        NpgsqlConnection connection, string table, string key, List<(Guid Id, string Given)> rows, IProgress<WriteProgress>? progress,
        CancellationToken ct)
    {
        if (rows.Count == 0) return;
        var staging = await Staging.CreateAsync(connection, table, [new(key, "uuid"), new("given_id", "text")], ct, schema: "two_tower");
        await staging.CopyAsync(rows, static (writer, row) =>
        {
            writer.Write(row.Id);
            writer.Write(row.Given);
        }, progress, ct);
        await Staging.ExecuteAsync(
            connection,
            $"""
            insert into two_tower.{table} as g ({key}, given_id) select {staging.Select} from {staging.Table} s
            on conflict ({key}) do update set given_id = excluded.given_id where g.given_id <> excluded.given_id;
            analyze two_tower.{table}
            """, ct);
    }
}
