using TwoTower.Supabase.Http;

namespace TwoTower.Supabase.Uploads;

/// <summary>
/// Deletes the rows that an upload didn't write, a range of video ids after the other: all at once would take a large table longer than a
/// project allows.
/// </summary>
/// <param name="versions">A condition on the rows, <c>&amp;model_version=eq.…</c>; empty: none.</param>
/// <param name="oldest">The earliest <c>updated_at</c> of a row that stays.</param>
/// <param name="say">Told when the ranges become smaller.</param>
internal sealed class UploadPrune(SupabaseClient client, UploadTable table, string versions, string oldest, Action<string> say)
{
    private const int MostRows = 20_000, FewestRows = 50;

    /// <summary>Deletes them, and tells how many there were. What is deleted stays so where it ends before its end.</summary>
    /// <exception cref="RemoteException">The project fails again and again, or the smallest range takes it too long.</exception>
    public async Task<long> RunAsync(CancellationToken ct)
    {
        var old = $"&or={Uri.EscapeDataString($"(updated_at.is.null,updated_at.lt.\"{oldest}\")")}";
        var (rows, deleted, after) = (MostRows, 0L, "");
        while (true)
        {
            using var ask = await client.SendAsync(
                HttpMethod.Get, $"/rest/v1/{table.Name}?select=video_id&order=video_id&offset={rows - 1}&limit=1{after}{versions}", null, null, ct);
            if (!ask.IsSuccessStatusCode)
            {
                rows = await FewerAsync(ask, rows, ct);
                continue;
            }

            // The last range has no end.
            var found = await client.ReadJsonAsync(ask, ct);
            var last = found.GetArrayLength() == 0 ? null : found[0].GetProperty("video_id").GetString();
            using var response = await client.SendAsync(
                HttpMethod.Delete, $"/rest/v1/{table.Name}?{(after + (last is null ? "" : $"&video_id=lte.{last}") + versions + old)[1..]}",
                [("Prefer", "count=exact,return=minimal")], null, ct);
            if (!response.IsSuccessStatusCode)
            {
                rows = await FewerAsync(response, rows, ct);
                continue;
            }

            deleted += ContentRange.TotalOf(response) ?? 0;
            if (last is null) return deleted;
            after = $"&video_id=gt.{last}";
        }
    }

    private async Task<int> FewerAsync(HttpResponseMessage response, int rows, CancellationToken ct)
    {
        var error = await RemoteError.ReadAsync(response, ct);
        if (error.Code != RemoteError.TooSlow || rows <= FewestRows) throw client.Explain(error, $"deleting old rows of the table {table.Name}");
        var fewer = Math.Max(FewestRows, rows / 4);
        say($"{client.Project.Name} takes too long over {rows} rows of {table.Name}: old ones are looked for among {fewer} from now on");
        return fewer;
    }
}
