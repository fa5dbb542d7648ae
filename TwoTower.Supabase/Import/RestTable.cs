using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using TwoTower.Core;
using TwoTower.Supabase.Http;

namespace TwoTower.Supabase.Import;

/// <summary>A table of a project, read page by page in the order of a key: a page begins behind the last row of the one before.</summary>
/// <param name="table">Its name.</param>
/// <param name="select">Columns and embedded tables, as PostgREST names them.</param>
/// <param name="key">The columns that the rows are ordered by; together they are unique.</param>
/// <param name="filter">A condition on all pages, such as <c>created_at=gte.…</c>; null: none.</param>
internal sealed class RestTable(SupabaseClient client, string table, string select, IReadOnlyList<string> key, string? filter)
{
    private const int FewestRows = 50;

    /// <summary>Reads the page behind a row.</summary>
    /// <param name="after">The key's values in that row; null: from the beginning.</param>
    /// <param name="rows">Rows to ask for. A project may give fewer; where a page takes it too long, fewer are asked for from then on.</param>
    /// <param name="counts">Whether to ask how many rows there are. Where that takes the project too long, it isn't asked any more.</param>
    /// <returns>The rows, none behind the last; how many there are in all, if that was answered; how many to ask for next.</returns>
    public async Task<(IReadOnlyList<JsonElement> Rows, long? Total, int Ask)> PageAsync(
        IReadOnlyList<string>? after, int rows, bool counts, CancellationToken ct)
    {
        while (true)
        {
            var headers = new List<(string, string)> { ("Range-Unit", "items"), ("Range", $"0-{rows - 1}") };
            if (counts) headers.Add(("Prefer", "count=exact"));
            using var response = await client.SendAsync(HttpMethod.Get, Address(after), headers, null, ct);
            if (response.IsSuccessStatusCode)
            {
                var page = await client.ReadJsonAsync(response, ct);
                if (page.ValueKind != JsonValueKind.Array) throw new InputException($"{client.Project.Name} doesn't answer as PostgREST does (no list of rows): correct SUPABASE_URL.");
                return ([.. page.EnumerateArray()], ContentRange.TotalOf(response), rows);
            }

            var error = await RemoteError.ReadAsync(response, ct);
            if (error.Code != RemoteError.TooSlow) throw client.Explain(error, $"table {table}");

            // The count looks at every row, however few are asked for.
            if (counts) counts = false;
            else if (rows > FewestRows) rows = Math.Max(FewestRows, rows / 4);
            else throw new RemoteException(
                $"{client.Project.Name} takes longer over {rows} rows of the table {table} than it allows (code {error.Code}): an index mends that, "
                + $"create index on {table} ({string.Join(", ", key)}). Then the same command goes on where it was.");
        }
    }

    /// <summary>The key's values in a row.</summary>
    public IReadOnlyList<string> KeyOf(JsonElement row) =>
        [.. key.Select(name => row.TryGetProperty(name, out var value) ? value.ValueKind switch
    {
        JsonValueKind.String => value.GetString()!,
        JsonValueKind.Number => value.GetRawText(),
        _ => throw Missing(name),
    } : throw Missing(name))];

    private InputException Missing(string name) => new($"A row of {table} at {client.Project.Name} has no {name}, which the rows are read in the order of: fill it in, or delete the row.");

    private string Address(IReadOnlyList<string>? after)
    {
        var address = new StringBuilder($"/rest/v1/{table}?select={Uri.EscapeDataString(select)}&order={string.Join(',', key)}");
        if (filter is not null) address.Append('&').Append(filter);
        if (after is not null)
        {
            // The first column alone as well: an index that begins with it, where there is one, serves that, but not the conditions.
            address.Append(CultureInfo.InvariantCulture, $"&{key[0]}={(key.Count > 1 ? "gte" : "gt")}.{Uri.EscapeDataString(after[0])}");
            if (key.Count > 1) address.Append(CultureInfo.InvariantCulture, $"&or={Uri.EscapeDataString($"({Behind(0, after)})")}");
        }

        return address.ToString();
    }

    // a.gt.1,and(a.eq.1,or(b.gt.2,…)): PostgREST compares no rows.
    private string Behind(int at, IReadOnlyList<string> after)
    {
        var value = $"\"{after[at].Replace("\\", @"\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";
        var greater = $"{key[at]}.gt.{value}";
        return at == key.Count - 1 ? greater : $"{greater},and({key[at]}.eq.{value},or({Behind(at + 1, after)}))";
    }
}

/// <summary>What columns and joins a project's tables have.</summary>
internal static class RestShape
{
    /// <summary>The columns of a table, by one of its rows; none where it has no row.</summary>
    public static async Task<IReadOnlyList<string>> ColumnsAsync(SupabaseClient client, string table, CancellationToken ct)
    {
        var rows = await client.JsonAsync(HttpMethod.Get, $"/rest/v1/{table}?select=*&limit=1", $"table {table}", null, null, ct);
        return rows.ValueKind == JsonValueKind.Array
            ? rows.GetArrayLength() == 0 ? [] : [.. rows[0].EnumerateObject().Select(property => property.Name)]
            : throw new InputException($"{client.Project.Name} doesn't answer as PostgREST does (no list of rows): correct SUPABASE_URL.");
    }

    /// <summary>How the names of videos' tags or performers are embedded: flat, or in a table of their own; null where there are
    /// neither.</summary>
    /// <param name="join">The table that has a row a video and name, <c>video_tags</c>.</param>
    /// <param name="flat">Its column where it has the name itself.</param>
    /// <param name="names">The table of names where it has an id instead.</param>
    public static async Task<string?> NamesAsync(SupabaseClient client, string join, string flat, string names, CancellationToken ct)
    {
        foreach (var embedding in new[] { $"{join}({flat})", $"{join}({names}(name))" })
        {
            using var response = await client.SendAsync(HttpMethod.Get, $"/rest/v1/videos?select=id,{embedding}&limit=1", null, null, ct);
            if (response.IsSuccessStatusCode) return embedding;
            var error = await RemoteError.ReadAsync(response, ct);
            if (response.StatusCode != HttpStatusCode.BadRequest || error.Code is not ("PGRST200" or "42703")) throw client.Explain(error, $"table {join}");
        }

        return null;
    }
}
