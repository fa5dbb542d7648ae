using System.Globalization;
using Npgsql;
using TwoTower.Core.Formats;
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
        (new("safety_level", "int2"), static (writer, row) => writer.Write(row.Exact.ContainsKey("safety_level") ? null : row.SafetyLevel)),
        (new("region_codes", "text[]"), static (writer, row) => writer.Write(row.Exact.ContainsKey("region_codes") ? null : row.RegionCodes)),
        (new("is_active", "bool"), static (writer, row) => writer.Write(row.Exact.ContainsKey("is_active") ? null : row.IsActive)),
        .. VideoColumns.Other.Select(name => (
            new StagingColumn(name, "text"),
            (Action<StagingRowWriter, VideoRow>)((writer, row) => writer.Write(row.OtherColumns.GetValueOrDefault(name))))),
    ];

    /// <summary>Writes the videos of the set.</summary>
    /// <param name="progress">Told now and then.</param>
    /// <param name="notes">Told what the table doesn't take as it is.</param>
    public async Task WriteAsync(IProgress<WriteProgress>? progress, ICollection<string> notes, CancellationToken ct)
    {
        if (tables.Videos.Count == 0) return;
        var names = Columns.Select(column => column.Column.Name).Where(name => name == "id" || tables.HasVideoColumn(name)).ToList();
        var unset = tables.Videos.SelectMany(video => video.Exact.Where(pair => pair.Value is null).Select(pair => pair.Key)).ToHashSet();
        var asText =
            tables.Videos.SelectMany(video => video.Exact.Where(pair => pair.Value is not null).Select(pair => pair.Key)).ToHashSet();

        // A video without a safety level may have to be hidden.
        var mayHide = unset.Contains("safety_level") && !names.Contains("is_active");
        if (mayHide) names.Add("is_active");
        var columns =
            Columns.Where(column => names.Contains(column.Column.Name)).Select(
                (StagingColumn Column, Action<StagingRowWriter, VideoRow> Write) (column) =>
        {
            var name = column.Column.Name;
            if (mayHide && name == "is_active") return (column.Column, static (writer, _) => writer.Write((bool?)null));
            return asText.Contains(name)
                ? (column.Column with { IsSentAsText = true }, (writer, row) => writer.Write(Text(row, name)))
                : column;
        }).ToArray();
        names = [.. columns.Select(column => column.Column.Name)];
        var staging = await Staging.CreateAsync(connection, "videos", [.. columns.Select(column => column.Column)], ct);
        await staging.CopyAsync(tables.Videos, (writer, row) =>
        {
            foreach (var (_, write) in columns) write(writer, row);
        }, progress, ct);
        if (unset.Count > 0) await SettleUnsetAsync(staging, unset, mayHide, notes, ct);
        await staging.CheckFitAsync(notes, ct);

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

    /// <summary>
    /// Where the table takes no NULL, what the source leaves empty stays as it is for a video that is there; a new video that nobody has
    /// judged is hidden, and is told.
    /// </summary>
    private async Task SettleUnsetAsync(
        Staging staging, HashSet<string> unset, bool mayHide, ICollection<string> notes, CancellationToken ct)
    {
        foreach (var (name, type) in new[] { ("safety_level", "int2"), ("is_active", "bool"), ("region_codes", "text[]") })
        {
            if (!(unset.Contains(name) || (mayHide && name == "is_active")) || !staging.IsRequired(name)) continue;
            await Staging.ExecuteAsync(
                connection, $"update {staging.Table} s set {name} = v.{name}::{type} from public.videos v where v.id = s.id and s.{name} is null", ct);
        }

        var isLevelRequired = unset.Contains("safety_level") && staging.IsRequired("safety_level");
        var hidden = 0;
        if (isLevelRequired)
        {
            hidden += await Staging.ExecuteAsync(
                connection, $"update {staging.Table} set is_active = false, safety_level = 0 where safety_level is null", ct);
        }

        if (mayHide && staging.IsRequired("is_active"))
        {
            await Staging.ExecuteAsync(connection, $"update {staging.Table} set is_active = true where is_active is null", ct);
        }
        else if (mayHide)
        {
            await Staging.ExecuteAsync(
                connection,
                $"""
                update {staging.Table} s set is_active = v.is_active from public.videos v where v.id = s.id and s.is_active is null;
                update {staging.Table} s set is_active = true where s.is_active is null and not exists (select from public.videos v where v.id = s.id)
                """, ct);
        }
        else if (unset.Contains("is_active") && staging.IsRequired("is_active"))
        {
            hidden += await Staging.ExecuteAsync(connection, $"update {staging.Table} set is_active = false where is_active is null", ct);
        }

        if (unset.Contains("region_codes") && staging.IsRequired("region_codes"))
        {
            await Staging.ExecuteAsync(connection, $"update {staging.Table} set region_codes = '{"{}"}' where region_codes is null", ct);
        }

        if (hidden > 0) notes.Add($"{hidden} new videos have an empty safety_level or is_active: they are hidden (is_active = false) until somebody sets them");
    }

    // As PostgreSQL reads it.
    private static string? Text(VideoRow row, string column) => row.Exact.TryGetValue(column, out var exact) ? exact : column switch
    {
        "price" => row.Price?.ToString(CultureInfo.InvariantCulture),
        "distribution_started_at" => Text(row.DistributionStartedAt),
        "product_released_at" => Text(row.ProductReleasedAt),
        "created_at" => Text(row.CreatedAt),
        "region_codes" => "{" + string.Join(",", row.RegionCodes.Select(code =>
            $"\"{code.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"")) + "}",
        _ => throw new InvalidOperationException($"The column {column} has a property that holds all of its values."),
    };

    private static string? Text(DateTimeOffset? time) => time is { } known ? InstantText.Format(known) : null;
}
