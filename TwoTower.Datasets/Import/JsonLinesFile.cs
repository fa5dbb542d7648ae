using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;
using TwoTower.Core;

namespace TwoTower.Datasets.Import;

/// <summary>JSON lines: an object a line. A key that an object lacks, and null, say nothing.</summary>
internal sealed class JsonLinesFile : TableFile
{
    private readonly LineReader _lines;
    private readonly Dictionary<string, int> _columns = new(StringComparer.Ordinal);
    private readonly List<string> _header = [];
    private readonly string?[] _texts;
    private readonly byte[]?[] _bytes;

    [SetsRequiredMembers]
    private JsonLinesFile(LineReader lines, string name, IEnumerable<string> keys)
    {
        _lines = lines;
        Name = name;
        foreach (var key in keys)
        {
            _columns.Add(key, _header.Count);
            _header.Add(key);
        }

        (_texts, _bytes) = (new string?[_header.Count], new byte[]?[_header.Count]);
    }

    public override long Line => _lines.Line;

    public override IReadOnlyList<string> Header => _header;

    public override double? Fraction => _lines.Fraction;

    /// <summary>Opens a file; the columns are the keys of all of its objects.</summary>
    public static JsonLinesFile Open(string path)
    {
        var name = Path.GetFileName(path);
        var keys = new OrderedDictionary<string, bool>(StringComparer.Ordinal);
        using (var lines = new LineReader(path))
        {
            while (lines.Read() is { } line)
            {
                // What is no object is told where its row is read.
                if (TryParse(line, out var row, out _))
                {
                    using (row)
                    {
                        foreach (var property in row!.RootElement.EnumerateObject()) keys.TryAdd(property.Name, true);
                    }
                }
            }
        }

        return keys.Count == 0
            ? throw new InputException($"{name} has no JSON objects, one a line; its columns can't be told.")
            : new(new LineReader(path), name, keys.Keys);
    }

    public override bool Read()
    {
        if (_lines.Read() is not { } line) return false;
        Array.Clear(_texts);
        Array.Clear(_bytes);
        if (!TryParse(line, out var row, out var reason)) throw new BadRowException($"{Place}: {reason}: {CsvFile.Show(line)}");
        using (row)
        {
            foreach (var property in row!.RootElement.EnumerateObject()) _texts[_columns[property.Name]] = TextOf(property);
        }

        return true;
    }

    public override ReadOnlySpan<byte> Bytes(int index) =>
        _texts[index] is { } text ? _bytes[index] ??= Encoding.UTF8.GetBytes(text) : [];

    public override bool IsNull(int index) => _texts[index] is null;

    public override string? Text(int index) => _texts[index];

    public override void Dispose() => _lines.Dispose();

    private string? TextOf(JsonProperty property)
    {
        string? text;
        try
        {
            text = property.Value.ValueKind switch
            {
                JsonValueKind.Null => null,
                JsonValueKind.String => property.Value.GetString(),
                _ => property.Value.GetRawText(),
            };
        }
        catch (InvalidOperationException error)
        {
            throw new BadRowException($"{Place}: column '{property.Name}' has half of a surrogate pair, which is no text: {error.Message}");
        }

        return text?.Contains('\0', StringComparison.Ordinal) == true
            ? throw new BadRowException(
                $"{Place}: column '{property.Name}' has a NUL character: '{CsvFile.Show(text)}'. PostgreSQL takes none: leave it out.")
            : text;
    }

    private static bool TryParse(string line, out JsonDocument? row, out string reason)
    {
        try
        {
            row = JsonDocument.Parse(line);
            if (row.RootElement.ValueKind == JsonValueKind.Object)
            {
                reason = "";
                return true;
            }

            reason = row.RootElement.ValueKind == JsonValueKind.Array
                ? "this is a JSON array where an object a line was expected (jq -c '.[]' makes them)"
                : "this is no JSON object";
            row.Dispose();
        }
        catch (JsonException error)
        {
            reason = $"this is no JSON object on a line of its own ({error.Message.Split(". ")[0]})";
        }

        row = null;
        return false;
    }
}
