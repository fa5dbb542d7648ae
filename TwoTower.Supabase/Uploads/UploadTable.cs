using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using TwoTower.Core;
using TwoTower.Supabase.Http;

namespace TwoTower.Supabase.Uploads;

/// <summary>What a project's table of vectors is like.</summary>
/// <param name="Name">As PostgREST names it.</param>
/// <param name="Length">Length of its vectors; null while it has no row that says.</param>
/// <param name="HasVersion">Whether it has a column <c>model_version</c>, and so vectors of several models.</param>
/// <param name="HasTime">Whether it has a column <c>updated_at</c>.</param>
internal sealed partial record UploadTable(string Name, int? Length, bool HasVersion, bool HasTime)
{
    private static readonly string[] Columns = ["video_id", "embedding", "model_version", "updated_at"];

    /// <summary>Looks at the table; nothing is written.</summary>
    /// <param name="version">Where it has vectors of several models, whose say the length: another's may be of another.</param>
    /// <exception cref="InputException">It isn't there, lacks a column, or may not be read.</exception>
    public static async Task<UploadTable> ReadAsync(SupabaseClient client, string name, string version, CancellationToken ct)
    {
        if (!NamePattern().IsMatch(name)) throw new InputException($"--table {name} is no name of a table: letters, digits and _, such as video_embeddings.");
        var (columns, isFiltered) = (Columns.ToList(), true);
        while (true)
        {
            var filter = isFiltered && columns.Contains("model_version") ? $"&model_version=eq.{Uri.EscapeDataString(version)}" : "";
            using var response = await client.SendAsync(HttpMethod.Get, $"/rest/v1/{name}?select={string.Join(',', columns)}{filter}&limit=1", null, null, ct);
            if (!response.IsSuccessStatusCode)
            {
                var error = await RemoteError.ReadAsync(response, ct);
                if (error.Code == "42703" && columns.FirstOrDefault(column => error.Message.Contains($".{column} ", StringComparison.Ordinal)) is { } absent)
                {
                    if (absent is "video_id" or "embedding") throw new InputException($"The table {name} at {client.Project.Name} has no column {absent}: name another with --table.");
                    columns.Remove(absent);
                    continue;
                }

                // Without an index the version's row may take too long to find: then a refusal says the length.
                if (filter.Length == 0 || error.Code != RemoteError.TooSlow) throw client.Explain(error, $"table {name}");
                isFiltered = false;
                continue;
            }

            var rows = await client.ReadJsonAsync(response, ct);
            var length = rows.ValueKind == JsonValueKind.Array && rows.GetArrayLength() > 0 && isFiltered ? LengthOf(rows[0].GetProperty("embedding")) : null;
            return new(name, length, columns.Contains("model_version"), columns.Contains("updated_at"));
        }
    }

    /// <summary>
    /// The length of any vector in the table, whose ever it is: a guess at what the next is to have. Null: none is found in time.
    /// </summary>
    public async Task<int?> OtherLengthAsync(SupabaseClient client, CancellationToken ct)
    {
        using var response = await client.SendAsync(HttpMethod.Get, $"/rest/v1/{Name}?select=embedding&limit=1", null, null, ct);
        if (response.IsSuccessStatusCode)
        {
            var rows = await client.ReadJsonAsync(response, ct);
            return rows.ValueKind == JsonValueKind.Array && rows.GetArrayLength() > 0 ? LengthOf(rows[0].GetProperty("embedding")) : null;
        }

        var error = await RemoteError.ReadAsync(response, ct);
        return error.Code == RemoteError.TooSlow ? null : throw client.Explain(error, $"table {Name}");
    }

    /// <summary>The length of vectors that a refusal names: <c>expected 256 dimensions, not 512</c>.</summary>
    public static int? Expected(RemoteError error) =>
        error.Code == "22000" && Dimensions().Match(error.Message) is { Success: true } match ? int.Parse(match.Groups["length"].Value, CultureInfo.InvariantCulture) : null;

    private static int? LengthOf(JsonElement vector) => vector.ValueKind switch
    {
        JsonValueKind.String => vector.GetString()!.Count(letter => letter == ',') + 1,
        JsonValueKind.Array => vector.GetArrayLength(),
        _ => null,
    };

    [GeneratedRegex(@"\A[A-Za-z_][A-Za-z0-9_]{0,62}\z")]
    private static partial Regex NamePattern();

    [GeneratedRegex("expected (?<length>[0-9]{1,5}) dimensions")]
    private static partial Regex Dimensions();
}
