using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using TwoTower.Core;
using TwoTower.Supabase.Http;

namespace TwoTower.Supabase.Uploads;

/// <summary>What an upload is to do.</summary>
/// <param name="Table">Where to.</param>
/// <param name="BatchRows">Rows of a request.</param>
/// <param name="Length">Length of the table's vectors; null: as the table says.</param>
/// <param name="Prune">Whether to delete rows that this upload didn't write.</param>
internal sealed record UploadOptions(string Table, int BatchRows, int? Length, bool Prune);

/// <summary>What an upload did, or would do.</summary>
/// <param name="Vectors">Vectors in all.</param>
/// <param name="Written">Rows written by this run.</param>
/// <param name="Requests">Requests that wrote them.</param>
/// <param name="Repeated">Vectors left out because a later one of the same video is there.</param>
/// <param name="Absent">Vectors of videos that the project doesn't have.</param>
/// <param name="Pruned">Rows deleted.</param>
/// <param name="Length">Length of the vectors that were sent; null: not known before the first is.</param>
/// <param name="Table">What the table is like.</param>
/// <param name="Resumed">Vectors that an interrupted run had written.</param>
internal sealed record UploadResult(
    long Vectors, long Written, long Requests, long Repeated, long Absent, long Pruned, int? Length, UploadTable Table, long Resumed);

/// <summary>Writes vectors into a project's table over PostgREST: upserts in batches, each video once a batch.</summary>
internal sealed class VectorUpload(SupabaseClient client, string home, TimeProvider time, Action<string> say)
{
    private long _written, _requests, _repeated, _absent;
    private int? _length;
    private int _batchRows;

    /// <summary>Says what an upload would do; nothing is written.</summary>
    public async Task<UploadResult> PlanAsync(VectorSource source, UploadOptions options, CancellationToken ct)
    {
        var table = await UploadTable.ReadAsync(client, options.Table, ct);
        var length = Fit(source, options.Length ?? table.Length);
        var count = await source.CountAsync(ct);
        return new(count, 0, (count + options.BatchRows - 1) / options.BatchRows, 0, 0, 0, length, table, 0);
    }

    /// <summary>Uploads, going on where an interrupted run of the same vectors was.</summary>
    /// <param name="progress">Told after each batch how many are through.</param>
    /// <param name="ct">Stops; the next run goes on.</param>
    /// <exception cref="InputException">The table doesn't take the vectors, by its own words.</exception>
    /// <exception cref="RemoteException">The project fails again and again.</exception>
    public async Task<UploadResult> RunAsync(VectorSource source, UploadOptions options, Action<long, long>? progress, CancellationToken ct)
    {
        var table = await UploadTable.ReadAsync(client, options.Table, ct);
        if (options.Prune && !table.HasTime) throw new InputException($"--prune needs a column updated_at, and {options.Table} at {client.Project.Name} has none: leave the option out.");
        (_length, _batchRows) = (Fit(source, options.Length ?? table.Length), options.BatchRows);
        var count = await source.CountAsync(ct);
        var journal = new UploadJournal(home,
            string.Join('\n', client.Project.Name, options.Table, source.ModelVersion, source.Identity, source.Dim));
        var before = journal.Read();
        var state = before ?? new(await source.NowAsync(ct), time.GetUtcNow(), 0, null);
        var batch = new Dictionary<Guid, ReadOnlyMemory<float>>(_batchRows);
        var taken = 0L;
        await foreach (var vector in source.ReadAsync(state.Done, state.After, state.Since, ct))
        {
            // The same row twice in a request is an error that no other try mends: the later one counts.
            if (!batch.TryAdd(vector.VideoId, vector.Values))
            {
                batch[vector.VideoId] = vector.Values;
                _repeated++;
            }

            taken++;
            if (batch.Count < _batchRows) continue;
            state = await SendAsync(source, table, batch, state, taken, journal, ct);
            taken = 0;
            progress?.Invoke(Math.Min(state.Done, count), count);
        }

        if (batch.Count > 0) state = await SendAsync(source, table, batch, state, taken, journal, ct);
        progress?.Invoke(count, count);
        var pruned = options.Prune ? await PruneAsync(source, table, state.Stamp, ct) : 0;
        journal.Delete();
        return new(count, _written, _requests, _repeated, _absent, pruned, _length, table, before?.Done ?? 0);
    }

    private async Task<UploadState> SendAsync(
        VectorSource source, UploadTable table, Dictionary<Guid, ReadOnlyMemory<float>> batch, UploadState state, long taken,
            UploadJournal journal,
        CancellationToken ct)
    {
        foreach (var rows in batch.ToArray().Chunk(_batchRows)) await WriteAsync(source, table, rows, state.Stamp, ct);
        var last = batch.Keys.Max(UuidOrder.Instance);
        batch.Clear();

        // Changed vectors of videos before the last come in between, and say nothing of how far it is.
        state = state with
        {
            Done = state.Done + taken,
            After = state.After is { } after && UuidOrder.Instance.Compare(after, last) > 0
            ? after : last
        };
        journal.Write(state);
        return state;
    }

    private async Task WriteAsync(VectorSource source, UploadTable table, KeyValuePair<Guid, ReadOnlyMemory<float>>[] rows,
        DateTimeOffset stamp, CancellationToken ct)
    {
        while (rows.Length > 0)
        {
            using var response = await client.SendAsync(
                HttpMethod.Post, $"/rest/v1/{table.Name}", [("Prefer", "resolution=merge-duplicates,return=minimal")], Body(source, table, rows, stamp), ct);
            if (response.IsSuccessStatusCode)
            {
                (_written, _requests) = (_written + rows.Length, _requests + 1);
                return;
            }

            var error = await RemoteError.ReadAsync(response, ct);
            if ((response.StatusCode == HttpStatusCode.RequestEntityTooLarge || error.Code == "57014") && rows.Length > 1)
            {
                // A gateway's limit, or the project's on time: halves, from now on.
                _batchRows = Math.Max(1, Math.Min(_batchRows, rows.Length) / 2);
                say($"{client.Project.Name} takes no request of {rows.Length} rows: {_batchRows} from now on");
                foreach (var part in rows.Chunk(_batchRows)) await WriteAsync(source, table, part, stamp, ct);
                return;
            }

            if (UploadTable.Expected(error) is { } expected && expected != (_length ?? source.Dim) && _written == 0)
            {
                _length = Fit(source, expected);
            }
            else if (error.Code == "23503")
            {
                // Vectors of videos that the project doesn't have.
                var there = await ThereAsync([.. rows.Select(row => row.Key)], ct);
                if (there.Count == rows.Length) throw client.Explain(error, $"table {table.Name}");
                _absent += rows.Length - there.Count;
                rows = [.. rows.Where(row => there.Contains(row.Key))];
            }
            else
            {
                throw client.Explain(error, $"table {table.Name}");
            }
        }
    }

    private async Task<HashSet<Guid>> ThereAsync(Guid[] ids, CancellationToken ct)
    {
        var there = new HashSet<Guid>();
        foreach (var part in ids.Chunk(100))
        {
            var rows = await client.JsonAsync(HttpMethod.Get, $"/rest/v1/videos?select=id&id=in.({string.Join(',', part)})", "table videos", null, null, ct);
            there.UnionWith(rows.EnumerateArray().Select(row => row.GetProperty("id").GetGuid()));
        }

        return there;
    }

    private ByteArrayContent Body(VectorSource source, UploadTable table, KeyValuePair<Guid, ReadOnlyMemory<float>>[] rows,
        DateTimeOffset stamp)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream))
        {
            writer.WriteStartArray();
            foreach (var (id, vector) in rows)
            {
                writer.WriteStartObject();
                writer.WriteString("video_id", id);
                writer.WriteString("embedding", $"[{string.Join(',', VectorCut.To(vector.Span, _length ?? source.Dim).Select(value => value.ToString("R", CultureInfo.InvariantCulture)))}]");
                if (table.HasVersion) writer.WriteString("model_version", source.ModelVersion);
                if (table.HasTime) writer.WriteString("updated_at", stamp);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        }

        return new(stream.ToArray()) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
    }

    private async Task<long> PruneAsync(VectorSource source, UploadTable table, DateTimeOffset stamp, CancellationToken ct)
    {
        var version = table.HasVersion ? $"&model_version=eq.{Uri.EscapeDataString(source.ModelVersion)}" : "";
        using var response = await client.SendAsync(
            HttpMethod.Delete, $"/rest/v1/{table.Name}?updated_at=lt.{Uri.EscapeDataString(Core.Formats.InstantText.Format(stamp))}{version}",
            [("Prefer", "count=exact,return=minimal")], null, ct);
        if (!response.IsSuccessStatusCode) throw client.Explain(await RemoteError.ReadAsync(response, ct), $"table {table.Name}");
        return response.Content.Headers.TryGetValues("Content-Range", out var values) && long.TryParse(values.First().Split('/')[^1], CultureInfo.InvariantCulture, out var count) ? count : 0;
    }

    /// <summary>The length to send, null while the table hasn't said which it takes.</summary>
    private int? Fit(VectorSource source, int? length)
    {
        if (length is not { } wanted || wanted == source.Dim) return length;
        return source.IsNested && wanted > 1 && wanted < source.Dim
            ? wanted
            : throw new InputException(
                $"The table at {client.Project.Name} takes vectors of {wanted} numbers, release {source.ModelVersion} has {source.Dim}: "
                + (wanted > source.Dim ? "train one with as many (model.embedding_dim)." : "only those of history recipes (v3) can be cut. Train with model.embedding_dim, or name another table."));
    }
}

/// <summary>The order of uuids in PostgreSQL, which is that of their text.</summary>
internal sealed class UuidOrder : IComparer<Guid>
{
    public static readonly UuidOrder Instance = new();

    public int Compare(Guid x, Guid y)
    {
        Span<byte> a = stackalloc byte[16], b = stackalloc byte[16];
        x.TryWriteBytes(a, bigEndian: true, out _);
        y.TryWriteBytes(b, bigEndian: true, out _);
        return a.SequenceCompareTo(b);
    }
}
