using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace TwoTower.Datasets.Import;

/// <summary>Lists of texts in one field: a Postgres array literal or a JSON array.</summary>
internal static partial class TextList
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

    /// <summary>
    /// Reads the texts of an array that holds more than texts: NULLs, arrays in it, bounds before it (<c>{JP,NULL}</c>, <c>{{a},{b}}</c>,
    /// <c>[0:1]={a,b}</c>).
    /// </summary>
    public static bool TryParseOdd(string text, out IReadOnlyList<string> values)
    {
        values = [];
        if (Bounds().Match(text) is { Success: true } bounds) text = text[bounds.Length..];
        if (!text.StartsWith('{')) return false;
        var list = new List<string>();
        var depth = 0;
        for (var at = 0; at < text.Length;)
        {
            switch (text[at])
            {
                case '{':
                    depth++;
                    at++;
                    break;
                case '}':
                    depth--;
                    at++;
                    if (depth < 0 || (depth == 0 && at != text.Length)) return false;
                    break;
                case ',' or ' ':
                    at++;
                    break;
                default:
                    var end = text.AsSpan(at).IndexOfAny(',', '}');
                    if (text[at] != '"' && end > 0 && text.AsSpan(at, end).Trim().Equals("NULL", StringComparison.OrdinalIgnoreCase)) at += end;
                    else if (!TryReadEntry(text, ref at, text.Length, list)) return false;
                    break;
            }
        }

        values = list;
        return depth == 0;
    }

    [GeneratedRegex(@"\A(\[-?[0-9]+:-?[0-9]+\])+=")]
    private static partial Regex Bounds();

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
            while (at < end && text[at] is not (',' or '}'))
            {
                if (text[at] is '{' or '"') return false;
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
