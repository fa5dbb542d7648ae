using System.Text;
using System.Text.Json;

namespace TwoTower.Datasets.Import;

/// <summary>Lists of texts in one field: a Postgres array literal or a JSON array.</summary>
internal static class TextList
{
    /// <summary>Reads <c>{JP,US}</c>, <c>{"with, comma"}</c> or <c>["JP","US"]</c>. NULL entries and nested arrays are refused.</summary>
    public static bool TryParse(string text, out IReadOnlyList<string> values)
    {
        values = [];
        text = text.Trim();
        if (text.StartsWith('[')) return TryParseJson(text, ref values);
        if (text.Length < 2 || text[0] != '{' || text[^1] != '}') return false;
        var list = new List<string>();
        var at = 1;
        var end = text.Length - 1;
        if (at == end) return true;
        while (TryReadEntry(text, ref at, end, list))
        {
            if (at == end)
            {
                values = list;
                return true;
            }

            if (text[at++] != ',') return false;
        }

        return false;
    }

    private static bool TryReadEntry(string text, ref int at, int end, List<string> list)
    {
        while (at < end && text[at] == ' ') at++;
        var entry = new StringBuilder();
        var quoted = at < end && text[at] == '"';
        if (quoted)
        {
            for (at++; at < end && text[at] != '"'; at++)
            {
                if (text[at] == '\\') at++;
                if (at < end) entry.Append(text[at]);
            }

            if (at >= end) return false;
            at++;
        }
        else
        {
            while (at < end && text[at] != ',')
            {
                if (text[at] is '{' or '}' or '"') return false;
                entry.Append(text[at++]);
            }
        }

        while (at < end && text[at] == ' ') at++;
        var value = quoted ? entry.ToString() : entry.ToString().Trim();
        if (!quoted && (value.Length == 0 || value.Equals("NULL", StringComparison.OrdinalIgnoreCase))) return false;
        list.Add(value);
        return true;
    }

    private static bool TryParseJson(string text, ref IReadOnlyList<string> values)
    {
        try
        {
            if (JsonSerializer.Deserialize<List<string?>>(text) is not { } list || list.Contains(null)) return false;
            values = list!;
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
