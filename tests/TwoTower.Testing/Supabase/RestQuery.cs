using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http;

namespace TwoTower.Testing;

/// <summary>A column of a select, or an embedded table with a select of its own.</summary>
internal sealed record RestColumn(string Name, IReadOnlyList<RestColumn>? Embedded = null);

/// <summary>A part of PostgREST's query language as SQL: select, filters with and/or, order. Values are parameters.</summary>
internal sealed partial class RestQuery(IQueryCollection query)
{
    private static readonly HashSet<string> Words = ["select", "order", "limit", "offset", "columns", "on_conflict", "and", "or", "not.and", "not.or"];
    private static readonly Dictionary<string, string> Operators = new()
    {
        ["eq"] = "=",
        ["neq"] = "<>",
        ["gt"] = ">",
        ["gte"] = ">=",
        ["lt"] = "<",
        ["lte"] = "<=",
    };

    private readonly List<string> _values = [];

    /// <summary>What the parameters $1, $2, … of the conditions hold.</summary>
    public IReadOnlyList<string> Values => _values;

    public IReadOnlyList<RestColumn> Select { get; } = ParseSelect(query["select"].ToString());

    /// <summary>The conditions, joined by and; empty where there is none.</summary>
    /// <param name="table">Their table.</param>
    public string Where(string table)
    {
        var conditions = new List<string>();
        foreach (var (key, values) in query)
        {
            foreach (var value in values)
            {
                if (key is "and" or "or" && value is not null) conditions.Add(Tree(key, value.Trim()[1..^1], table));
                else if (!Words.Contains(key) && value is not null) conditions.Add(Condition(key, value, table));
            }
        }

        return conditions.Count == 0 ? "" : $" where {string.Join(" and ", conditions)}";
    }

    public string Order(string table)
    {
        var order = query["order"].ToString();
        return order.Length == 0 ? "" : " order by " + string.Join(", ", order.Split(',').Select(term =>
        {
            var parts = term.Split('.');
            return Column(table, parts[0]) + (parts.Contains("desc") ? " desc" : "")
                + (parts.Contains("nullsfirst") ? " nulls first" : parts.Contains("nullslast") ? " nulls last" : "");
        }));
    }

    public long? Limit => Number("limit");

    public long? Offset => Number("offset");

    public static string Quote(string name) => $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    public static string Column(string table, string name) => $"{Quote(table)}.{Quote(name)}";

    private long? Number(string key) =>
        long.TryParse(query[key].ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    private string Condition(string column, string text, string table)
    {
        var at = text.IndexOf('.', StringComparison.Ordinal);
        var (name, value) = at < 0 ? (text, "") : (text[..at], text[(at + 1)..]);
        if (name == "not") return $"not ({Condition(column, value, table)})";
        if (name == "in") return $"{Column(table, column)} in ({string.Join(", ", Split(value.Trim()[1..^1]).Select(item => Parameter(Unquoted(item))))})";
        if (name == "is") return $"{Column(table, column)} is {(value is "null" or "true" or "false" ? value : throw new RestException(400, "PGRST100", "failed to parse filter"))}";
        return Operators.TryGetValue(name, out var sql)
            ? $"{Column(table, column)} {sql} {Parameter(value)}"
            : throw new RestException(400, "PGRST100", $"\"failed to parse filter ({text})\" (line 1, column 1)");
    }

    // or=(a.gt.1,and(a.eq.1,b.gt.2)); within a tree a value with reserved characters is in double quotes.
    private string Tree(string word, string inside, string table)
    {
        var parts = Split(inside).Select(part =>
        {
            if (part.StartsWith("and(", StringComparison.Ordinal) || part.StartsWith("or(", StringComparison.Ordinal))
            {
                var open = part.IndexOf('(', StringComparison.Ordinal);
                return Tree(part[..open], part[(open + 1)..^1], table);
            }

            var pieces = part.Split('.', 3);
            return pieces.Length < 3
                ? throw new RestException(400, "PGRST100", $"\"failed to parse logic tree ({inside})\" (line 1, column 1)")
                : Condition(pieces[0], pieces[1] == "in" ? $"in.{pieces[2]}" : $"{pieces[1]}.{Unquoted(pieces[2])}", table);
        });
        return $"({string.Join($" {word} ", parts)})";
    }

    private string Parameter(string value)
    {
        _values.Add(value);
        return string.Create(CultureInfo.InvariantCulture, $"${_values.Count}");
    }

    // A backslash takes the next character as it is.
    private static string Unquoted(string text) => text.Length > 1 && text[0] == '"' && text[^1] == '"' ? Escape().Replace(text[1..^1], "$1") : text;

    private static IReadOnlyList<RestColumn> ParseSelect(string text) =>
        [.. Split(text.Length == 0 ? "*" : text).Select(part =>
        {
            var open = part.IndexOf('(', StringComparison.Ordinal);
            return open < 0 ? new RestColumn(part.Trim()) : new RestColumn(part[..open].Trim(), ParseSelect(part[(open + 1)..^1]));
        })];

    // At commas that stand in no parentheses and no quotes.
    private static List<string> Split(string text)
    {
        var (parts, part, depth, quoted, escaped) = (new List<string>(), new StringBuilder(), 0, false, false);
        foreach (var letter in text)
        {
            if (letter == '"' && !escaped) quoted = !quoted;
            escaped = quoted && letter == '\\' && !escaped;
            if (!quoted) depth += letter == '(' ? 1 : letter == ')' ? -1 : 0;
            if (letter == ',' && depth == 0 && !quoted)
            {
                parts.Add(part.ToString());
                part.Clear();
            }
            else
            {
                part.Append(letter);
            }
        }

        parts.Add(part.ToString());
        return parts;
    }

    [GeneratedRegex(@"\\(.)", RegexOptions.Singleline)]
    private static partial Regex Escape();
}

/// <summary>An error of PostgREST's own.</summary>
internal sealed class RestException(int status, string code, string message, string? details = null, string? hint = null)
    : Exception(message)
{
    public int Status => status;

    public string Code => code;

    public string? Details => details;

    public string? Hint => hint;
}
