using Npgsql;
using TwoTower.Core.Rows;

namespace TwoTower.Postgres.Tables;

/// <summary>Writes rows of <c>videos</c>: only the columns that the source has.</summary>
internal sealed class VideoWriter(NpgsqlConnection connection, TableSet tables)
{
    private static readonly IReadOnlyList<(StagingColumn Column, Action<StagingRowWriter, VideoRow> Write)> Columns =
    [
        (new("id", "uuid"), static (writer, row) => writer.Write(row.Id)),
        (new("external_id", "text"), static (writer, row) => writer.Write(row.ExternalId)),
        (new("title", "text"), static (writer, row) => writer.Write(row.Title)),
        (new("description", "text"), static (writer, row) => writer.Write(row.Description)),
        (new("duration_seconds", "int4"), static (writer, row) => writer.Write(row.DurationSeconds)),
        (new("maker", "text"), static (writer, row) => writer.Write(row.Maker)),
        (new("price", "numeric"), static (writer, row) => writer.Write(row.Price)),
        (new("distribution_started_at", "timestamptz"), static (writer, row) => writer.Write(row.DistributionStartedAt)),
        (new("product_released_at", "timestamptz"), static (writer, row) => writer.Write(row.ProductReleasedAt)),
        (new("created_at", "timestamptz"), static (writer, row) => writer.Write(row.CreatedAt)),
        (new("safety_level", "int2"), static (writer, row) => writer.Write(row.SafetyLevel)),
        (new("region_codes", "text[]"), static (writer, row) => writer.Write(row.RegionCodes)),
        (new("is_active", "bool"), static (writer, row) => writer.Write(row.IsActive)),
        .. VideoColumns.Other.Select(name => (
            new StagingColumn(name, "text"),
            (Action<StagingRowWriter, VideoRow>)((writer, row) => writer.Write(row.OtherColumns.GetValueOrDefault(name))))),
    ];

    /// <summary>Writes the videos of the set.</summary>
    public async Task WriteAsync(IProgress<WriteProgress>? progress, CancellationToken ct)
    {
        if (tables.Videos.Count == 0) return;
        var columns = Columns.Where(column => column.Column.Name == "id" || tables.HasVideoColumn(column.Column.Name)).ToArray();
        var staging = await Staging.CreateAsync(connection, "videos", [.. columns.Select(column => column.Column)], ct);
        await staging.CopyAsync(tables.Videos, (writer, row) =>
        {
            foreach (var (_, write) in columns) write(writer, row);
        }, progress, ct);

        var names = columns.Select(column => column.Column.Name).ToArray();
        var values = names.Where(name => name != "id").ToArray();
        var onConflict = values.Length == 0
            ? "do nothing"
            : $"""
               do update set {string.Join(", ", values.Select(name => $"{name} = excluded.{name}"))}
               where ({string.Join(", ", values.Select(name => $"videos.{name}"))})
                 is distinct from ({string.Join(", ", values.Select(name => $"excluded.{name}"))})
               """;
        await Staging.ExecuteAsync(
            connection,
            $"insert into public.videos ({string.Join(", ", names)}) select {staging.Select} from {staging.Table} s on conflict (id) {onConflict}",
            ct);
    }
}
