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
    private long _written, _requests, _repeated, _absent, _newRows;
    private int? _length;
    private int _batchRows;
    private bool _prunes;
    private UploadState _state = null!;

    /// <summary>Says what an upload would do; nothing is written.</summary>
    public async Task<UploadResult> PlanAsync(VectorSource source, UploadOptions options, CancellationToken ct)
    {
        var table = await UploadTable.ReadAsync(client, options.Table, source.ModelVersion, ct);
        var length = Fit(source, options.Length ?? table.Length);
        var count = await source.CountAsync(ct);
        if (length is null && await table.OtherLengthAsync(client, ct) is { } other)
        {
            if (other == source.Dim || Cuts(source, other)) length = other;
            say($"{table.Name} at {client.Project.Name} has no vector of {source.ModelVersion} yet, and others' of {other} numbers");
        }

        return new(count, 0, (count + options.BatchRows - 1) / options.BatchRows, 0, 0, 0, length, table, 0);
    }

    /// <summary>Uploads, going on where an interrupted run of the same vectors was.</summary>
    /// <param name="progress">Told after each batch how many are through.</param>
    /// <param name="ct">Stops; the next run goes on.</param>
    /// <exception cref="InputException">The table doesn't take the vectors, by its own words.</exception>
    /// <exception cref="RemoteException">The project fails again and again.</exception>
    public async Task<UploadResult> RunAsync(VectorSource source, UploadOptions options, Action<long, long>? progress, CancellationToken ct)
    {
        var table = await UploadTable.ReadAsync(client, options.Table, source.ModelVersion, ct);
        if (options.Prune && !table.HasTime) throw new InputException($"--prune needs a column updated_at, and {options.Table} at {client.Project.Name} has none: leave the option out.");
        (_length, _batchRows, _prunes) = (Fit(source, options.Length ?? table.Length), options.BatchRows, options.Prune);
        var count = await source.CountAsync(ct);
        var journal = new UploadJournal(home, client.Project.Name, options.Table);
        _state = await BeginAsync(source, table, journal, ct);
        var resumed = _state.Done;
        var batch = new Dictionary<Guid, ReadOnlyMemory<float>>(_batchRows);
        var taken = 0L;
        await foreach (var vector in source.ReadAsync(_state.Done, _state.After, _state.Since, ct))
        {
            // The same row twice in a request is an error that no other try mends: the later one counts.
            if (!batch.TryAdd(vector.VideoId, vector.Values))
            {
                batch[vector.VideoId] = vector.Values;
                _repeated++;
            }

            taken++;
            if (batch.Count < _batchRows) continue;
            await SendAsync(source, table, batch, taken, journal, ct);
            taken = 0;
            progress?.Invoke(Math.Min(_state.Done, count), count);
        }

        if (batch.Count > 0) await SendAsync(source, table, batch, taken, journal, ct);
        progress?.Invoke(count, count);
        var pruned = options.Prune ? await PruneAsync(source, table, ct) : 0;
        journal.Delete();
        return new(count, _written, _requests, _repeated, _absent, pruned, _length, table, resumed);
    }

    private async Task<UploadState> BeginAsync(VectorSource source, UploadTable table, UploadJournal journal, CancellationToken ct)
    {
        var length = _length ?? source.Dim;
        if (journal.Read() is { Done: > 0 } before && before.IsOf(source, length))
        {
            if (await WhyNotAsync(source, table, before, ct) is not { } reason) return before;
            say($"{reason}: the upload begins anew");
        }

        // Before the first row: from there on the table isn't what an earlier upload left.
        var state = new UploadState(
            source.ModelVersion, source.Identity, source.Dim, length, await source.NowAsync(ct), time.GetUtcNow(), 0, null, 0,
            WrittenTimes.None);
        journal.Write(state);
        return state;
    }

    // Somebody may have emptied the table since, or written other vectors over these. Null: it has what was written.
    private async Task<string?> WhyNotAsync(VectorSource source, UploadTable table, UploadState state, CancellationToken ct)
    {
        var (name, gone) = ($"{table.Name} at {client.Project.Name}", "no longer has what the interrupted upload wrote");
        if (_prunes && !state.Times.IsWhole) return $"{name} gave the interrupted upload rows without the time in updated_at, which --prune needs";
        if (state.Rows == 0) return $"the interrupted upload wrote nothing into {name}";
        var times = table.HasTime && state.Times is { IsWhole: true, Oldest: { } oldest, Newest: { } newest }
            ? $"&updated_at=gte.{Uri.EscapeDataString(oldest)}&updated_at=lte.{Uri.EscapeDataString(newest)}" : "";
        var rows = $"{times}{VersionFilter(source, table)}";

        // The row that was written last is found by its key; counting them all looks at the whole table where updated_at has no index.
        var upTo = $"&video_id=lte.{state.After}";
        switch (await AskAsync($"&order=video_id.desc{upTo}{rows}", counts: false))
        {
            case null: return $"{name} takes too long to tell whether it has what the interrupted upload wrote";
            case 0: return $"{name} {gone}";
        }

        switch (await AskAsync(times.Length > 0 ? rows : upTo + rows, counts: true))
        {
            case null:
                say($"{name} takes too long to count what the interrupted upload wrote: it has the last of it, and the rest isn't checked");
                return null;
            case var count: return count >= state.Rows ? null : $"{name} {gone}";
        }

        // Null: it takes the project too long.
        async Task<long?> AskAsync(string query, bool counts)
        {
            using var response = await client.SendAsync(
                HttpMethod.Get, $"/rest/v1/{table.Name}?select=video_id&limit=1{query}", counts ? [("Prefer", "count=exact")] : null, null, ct);
            if (response.IsSuccessStatusCode)
            {
                return counts ? ContentRange.TotalOf(response) ?? 0 : (await client.ReadJsonAsync(response, ct)).GetArrayLength();
            }

            var error = await RemoteError.ReadAsync(response, ct);
            return error.Code == RemoteError.TooSlow ? null : throw client.Explain(error, $"table {table.Name}");
        }
    }

    private async Task SendAsync(
        VectorSource source, UploadTable table, Dictionary<Guid, ReadOnlyMemory<float>> batch, long taken, UploadJournal journal,
        CancellationToken ct)
    {
        foreach (var rows in batch.ToArray().Chunk(_batchRows)) await WriteAsync(source, table, rows, ct);
        var last = batch.Keys.Max(UuidOrder.Instance);
        batch.Clear();

        // Changed vectors of videos before the last come in between, and say nothing of how far it is.
        _state = _state with
        {
            Length = _length ?? source.Dim,
            Done = _state.Done + taken,
            After = IsBehind(last) ? last : _state.After,
            Rows = _state.Rows + _newRows,
        };
        _newRows = 0;
        journal.Write(_state);
    }

    private bool IsBehind(Guid video) => _state.After is not { } after || UuidOrder.Instance.Compare(after, video) < 0;

    private async Task WriteAsync(
        VectorSource source, UploadTable table, KeyValuePair<Guid, ReadOnlyMemory<float>>[] rows, CancellationToken ct)
    {
        while (rows.Length > 0)
        {
            var (query, returns) = table.HasTime ? ("?select=video_id,updated_at", "representation") : ("", "minimal");
            using var response = await client.SendAsync(
                HttpMethod.Post, $"/rest/v1/{table.Name}{query}", [("Prefer", $"resolution=merge-duplicates,return={returns}")],
                Body(source, table, rows, _state.Stamp), ct);
            if (response.IsSuccessStatusCode)
            {
                _requests++;
                await NoteAsync(response, table, [.. rows.Select(row => row.Key)], ct);
                return;
            }

            var error = await RemoteError.ReadAsync(response, ct);
            if ((response.StatusCode == HttpStatusCode.RequestEntityTooLarge || error.Code == RemoteError.TooSlow) && rows.Length > 1)
            {
                // A gateway's limit, or the project's on time: halves, from now on.
                _batchRows = Math.Max(1, Math.Min(_batchRows, rows.Length) / 2);
                say($"{client.Project.Name} takes no request of {rows.Length} rows: {_batchRows} from now on");
                foreach (var part in rows.Chunk(_batchRows)) await WriteAsync(source, table, part, ct);
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

    // What the table has of the rows now.
    private async Task NoteAsync(HttpResponseMessage response, UploadTable table, IReadOnlyList<Guid> sent, CancellationToken ct)
    {
        var taken = sent;
        if (table.HasTime)
        {
            var rows = await client.ReadJsonAsync(response, ct);
            List<(Guid Video, string? Time)> there = rows.ValueKind != JsonValueKind.Array ? []
                : [.. rows.EnumerateArray().Select(row => (row.GetProperty("video_id").GetGuid(), row.GetProperty("updated_at").GetString()))];
            taken = [.. there.Select(row => row.Video)];
            var times = there.Aggregate(_state.Times, (times, row) => times.With(row.Time));
            _state = _state with { Times = taken.Count < sent.Count ? times with { IsWhole = false } : times };
            if (_prunes) CheckTimes(table);
        }

        _written += taken.Count;
        _newRows += taken.Count(IsBehind);
    }

    // Without its time a row that was just written can't be told from one to delete.
    private void CheckTimes(UploadTable table)
    {
        if (_state.Times.IsWhole) return;
        throw new InputException($"--prune can't tell what this upload wrote: {table.Name} at {client.Project.Name} gave rows back without the time in updated_at. "
            + "Leave the option out, or mend the column's trigger; nothing was deleted.");
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

    private async Task<long> PruneAsync(VectorSource source, UploadTable table, CancellationToken ct)
    {
        CheckTimes(table);
        if (_state.Times.Oldest is { } oldest)
        {
            return await new UploadPrune(client, table, VersionFilter(source, table), oldest, say).RunAsync(ct);
        }

        say($"nothing was written into {table.Name} at {client.Project.Name}, so that nothing was deleted");
        return 0;
    }

    private static string VersionFilter(VectorSource source, UploadTable table) =>
        table.HasVersion ? $"&model_version=eq.{Uri.EscapeDataString(source.ModelVersion)}" : "";

    private static bool Cuts(VectorSource source, int length) => source.IsNested && length > 1 && length < source.Dim;

    /// <summary>The length to send, null while the table hasn't said which it takes.</summary>
    private int? Fit(VectorSource source, int? length)
    {
        if (length is not { } wanted || wanted == source.Dim) return length;
        return Cuts(source, wanted)
            ? wanted
            : throw new InputException(
                $"The table at {client.Project.Name} takes vectors of {wanted} numbers, release {source.ModelVersion} has {source.Dim}: "
                + (wanted > source.Dim ? "train one with as many (model.embedding_dim)." : "only those of history recipes can be cut. Train with model.embedding_dim, or name another table."));
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
