using System.Text.Json;
using TwoTower.Core;
using TwoTower.Core.Formats;
using TwoTower.Core.Rows;
using TwoTower.Supabase.Http;

namespace TwoTower.Supabase.Import;

/// <summary>How far a download is.</summary>
/// <param name="Table">The table at hand.</param>
/// <param name="Rows">Its rows so far.</param>
/// <param name="Total">Its rows in all; null while nobody knows.</param>
internal readonly record struct DownloadProgress(string Table, long Rows, long? Total);

/// <summary>
/// Copies a project's rows over PostgREST into files with one table each: profiles and videos whole, decisions from a time on. The files
/// take the way of all imports from there.
/// </summary>
/// <param name="client">The project.</param>
/// <param name="say">Told what is left out.</param>
internal sealed class RestDownload(SupabaseClient client, TimeProvider time, Action<string> say)
{
    private const string Decisions = "user_video_decisions";
    private static readonly string[] DecisionColumns = ["user_id", "video_id", "decision_type", "created_at"];
    private static readonly string[] ProfileColumns = ["user_id", "display_name", "created_at"];

    /// <summary>Reads everything that isn't there yet.</summary>
    /// <param name="spool">Where it goes.</param>
    /// <param name="pageRows">Rows of a page.</param>
    /// <param name="progress">Told after each page.</param>
    /// <param name="ct">Stops; the next run goes on.</param>
    /// <exception cref="InputException">The project's tables can't be read, or aren't those of the contract.</exception>
    /// <exception cref="RemoteException">The project fails again and again.</exception>
    public async Task RunAsync(RowSpool spool, int pageRows, IProgress<DownloadProgress>? progress, CancellationToken ct)
    {
        if (spool.State is { Until: null, UntilAtMost: null, Tables.Count: 0 }) spool.Save(await LatestAsync(spool.State, ct));
        await ProfilesAsync(spool, pageRows, progress, ct);
        await VideosAsync(spool, pageRows, progress, ct);
        await DecisionsAsync(spool, pageRows, progress, ct);
        if (spool.State is { Until: null, UntilAtMost: { } most } && spool.Table(Decisions).Latest is { } last)
        {
            spool.Save(spool.State with { Until = last < most ? last : most });
        }
    }

    // A clock that was wrong once must not hide all that comes after.
    private async Task<SpoolState> LatestAsync(SpoolState state, CancellationToken ct)
    {
        var now = time.GetUtcNow();
        using var response = await client.SendAsync(
            HttpMethod.Get, $"/rest/v1/{Decisions}?select=created_at&order=created_at.desc.nullslast&limit=1", null, null, ct);
        if (!response.IsSuccessStatusCode)
        {
            // Without an index on created_at a large table is looked at whole: then the rows that come say it.
            var error = await RemoteError.ReadAsync(response, ct);
            return error.Code != RemoteError.TooSlow ? throw client.Explain(error, $"table {Decisions}")
                : state with { UntilAtMost = response.Headers.Date is { } date && date < now ? date : now };
        }

        var rows = await client.ReadJsonAsync(response, ct);
        if (rows.ValueKind != JsonValueKind.Array || rows.GetArrayLength() == 0) return state;
        return state with { Until = InstantText.TryParse(rows[0].GetProperty("created_at").GetString(), out var latest) && latest < now ? latest : now };
    }

    private static DateTimeOffset? LatestOf(IReadOnlyList<JsonElement> rows, DateTimeOffset? before)
    {
        foreach (var row in rows)
        {
            if (row.TryGetProperty("created_at", out var value) && value.ValueKind == JsonValueKind.String
                && InstantText.TryParse(value.GetString(), out var at) && (before is null || at > before))
            {
                before = at;
            }
        }

        return before;
    }

    private async Task ProfilesAsync(RowSpool spool, int pageRows, IProgress<DownloadProgress>? progress, CancellationToken ct)
    {
        if (spool.Table("profiles").IsDone) return;
        var columns = await KnownAsync("profiles", ProfileColumns, [], ct);
        var table = new RestTable(client, "profiles", string.Join(',', columns), ["user_id"], null);
        await PagesAsync(spool, "profiles", table, pageRows, Lines("profiles.jsonl"), progress, ct);
        spool.Finish("profiles", new Dictionary<string, string> { ["profiles.jsonl"] = string.Join(',', columns) });
    }

    private async Task VideosAsync(RowSpool spool, int pageRows, IProgress<DownloadProgress>? progress, CancellationToken ct)
    {
        if (spool.Table("videos").IsDone) return;
        var columns = await KnownAsync("videos", [.. VideoColumns.Typed, .. VideoColumns.Other], ["id"], ct);
        var tags = await RestShape.NamesAsync(client, "video_tags", "tag_name", "tags", ct);
        var performers = await RestShape.NamesAsync(client, "video_performers", "performer_name", "performers", ct);
        var files = new Dictionary<string, string> { ["videos.jsonl"] = string.Join(',', columns) };
        if (tags is not null) files.Add("video_tags.jsonl", "video_id,tag_name");
        if (performers is not null) files.Add("video_performers.jsonl", "video_id,performer_name");
        foreach (var absent in new[] { tags is null ? "video_tags" : null, performers is null ? "video_performers" : null }.OfType<string>())
        {
            say($"{client.Project.Name} has no table {absent} that belongs to videos: what the database has of it stays");
        }

        var select = string.Join(',', columns.Concat(new[] { tags, performers }.OfType<string>()));
        var table = new RestTable(client, "videos", select, ["id"], null);
        await PagesAsync(spool, "videos", table, pageRows, rows => VideoLines(rows, tags is not null, performers is not null), progress, ct);
        spool.Finish("videos", files);
    }

    // In the order of the key, which an index serves; those since a time in the order of time, which needs one on created_at where
    // the table is large (docs/supabase.md).
    private async Task DecisionsAsync(RowSpool spool, int pageRows, IProgress<DownloadProgress>? progress, CancellationToken ct)
    {
        if (spool.Table(Decisions).IsDone) return;
        var since = spool.State.Since;
        var table = new RestTable(
            client, Decisions, string.Join(',', DecisionColumns),
            since is null ? DecisionColumns : ["created_at", "user_id", "video_id", "decision_type"],
            since is null ? null : $"created_at=gte.{Uri.EscapeDataString(since)}");
        await PagesAsync(spool, Decisions, table, pageRows, Lines($"{Decisions}.jsonl"), progress, ct);
        spool.Finish(Decisions, new Dictionary<string, string> { [$"{Decisions}.jsonl"] = string.Join(',', DecisionColumns) });
    }

    private static async Task PagesAsync(
        RowSpool spool, string name, RestTable table, int pageRows, Func<IReadOnlyList<JsonElement>, IReadOnlyDictionary<string,
            byte[]>> lines,
        IProgress<DownloadProgress>? progress, CancellationToken ct)
    {
        var (ask, first) = (pageRows, true);
        while (true)
        {
            var so = spool.Table(name);
            var (rows, total, next) = await table.PageAsync(so.After, ask, counts: first && so.Total is null, ct);
            (ask, first) = (next, false);

            // A page that is short isn't the last: a project gives no more rows at once than its setting says.
            if (rows.Count == 0) return;
            var done = so with
            {
                Rows = so.Rows + rows.Count,
                Total = so.Total ?? total,
                After = table.KeyOf(rows[^1]),
                Latest = spool.State.UntilAtMost is null || name != Decisions ? null : LatestOf(rows, so.Latest)
            };
            spool.Add(name, lines(rows), done);
            progress?.Report(new(name, done.Rows, done.Total));
        }
    }

    private async Task<IReadOnlyList<string>> KnownAsync(string table, string[] known, string[] least, CancellationToken ct)
    {
        var there = await RestShape.ColumnsAsync(client, table, ct);
        if (there.Count == 0) return least.Length > 0 ? least : [known[0]];
        var ignored = there.Except(known).Order(StringComparer.Ordinal).ToList();
        if (ignored.Count > 0) say($"{table}: nothing reads the column{(ignored.Count == 1 ? "" : "s")} {string.Join(", ", ignored)}");
        return [.. known.Where(there.Contains)];
    }

    private static Func<IReadOnlyList<JsonElement>, IReadOnlyDictionary<string, byte[]>> Lines(string file) => rows =>
    {
        using var stream = new MemoryStream();
        foreach (var row in rows) WriteLine(stream, writer =>
        {
            foreach (var property in row.EnumerateObject()) property.WriteTo(writer);
        });
        return new Dictionary<string, byte[]> { [file] = stream.ToArray() };
    };

    private static Dictionary<string, byte[]> VideoLines(IReadOnlyList<JsonElement> rows, bool hasTags, bool hasPerformers)
    {
        using var videos = new MemoryStream();
        using var tags = new MemoryStream();
        using var performers = new MemoryStream();
        foreach (var row in rows)
        {
            WriteLine(videos, writer =>
            {
                foreach (var property in row.EnumerateObject().Where(property => property.Name is not ("video_tags" or "video_performers"))) property.WriteTo(writer);
            });
            Names(row, "video_tags", "tag_name", tags);
            Names(row, "video_performers", "performer_name", performers);
        }

        var lines = new Dictionary<string, byte[]> { ["videos.jsonl"] = videos.ToArray() };
        if (hasTags) lines.Add("video_tags.jsonl", tags.ToArray());
        if (hasPerformers) lines.Add("video_performers.jsonl", performers.ToArray());
        return lines;
    }

    // Either {"tag_name": "x"} or {"tags": {"name": "x"}}.
    private static void Names(JsonElement row, string join, string column, MemoryStream stream)
    {
        if (!row.TryGetProperty(join, out var entries) || entries.ValueKind != JsonValueKind.Array) return;
        foreach (var entry in entries.EnumerateArray())
        {
            var value = entry.EnumerateObject().First().Value;
            if (value.ValueKind == JsonValueKind.Object) value = value.GetProperty("name");
            WriteLine(stream, writer =>
            {
                writer.WritePropertyName("video_id");
                row.GetProperty("id").WriteTo(writer);
                writer.WritePropertyName(column);
                value.WriteTo(writer);
            });
        }
    }

    private static void WriteLine(MemoryStream stream, Action<Utf8JsonWriter> write)
    {
        using (var writer = new Utf8JsonWriter(stream))
        {
            writer.WriteStartObject();
            write(writer);
            writer.WriteEndObject();
        }

        stream.WriteByte((byte)'\n');
    }
}
