using System.Globalization;
using System.Text.Json;
using TwoTower.Core;
using TwoTower.Core.Formats;

namespace TwoTower.Datasets.Import;

/// <summary>A column of a <see cref="CsvFile"/>, read as a type. An empty field, and a column that the file lacks, is null.</summary>
internal readonly struct CsvColumn(CsvFile file, string name, int index)
{
    public bool Exists => index >= 0;

    public string? Text() => index < 0 ? null : file.Field(index);

    public string RequiredText() => Text() ?? throw Error("is empty");

    public Guid RequiredGuid()
    {
        var text = RequiredText();
        return Guid.TryParse(text, out var value) ? value : throw Error($"has '{text}', which is no uuid");
    }

    public int? Int() => Parse("a whole number", static (string text, out int value) =>
        int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value));

    public short? Short() => Parse("a whole number between -32768 and 32767", static (string text, out short value) =>
        short.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value));

    public decimal? Decimal() => Parse("a number such as 980 or 980.50", static (string text, out decimal value) => decimal.TryParse(
        text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out value));

    public DateTimeOffset? Time() => Parse("a time such as 2025-10-12T09:30:00Z", static (string text, out DateTimeOffset value) =>
        Instant.TryParse(text, out value));

    public DateTimeOffset RequiredTime() => Time() ?? throw Error("is empty");

    public bool? Bool() => Parse("true or false", static (string text, out bool value) =>
    {
        value = text is "true" or "t" or "TRUE" or "True" or "1";
        return value || text is "false" or "f" or "FALSE" or "False" or "0";
    });

    /// <summary>A list of texts, as Postgres writes an array (<c>{JP,US}</c>) or as JSON (<c>["JP","US"]</c>).</summary>
    public IReadOnlyList<string>? List() => Parse("a list such as {JP,US} or [\"JP\",\"US\"]", static (string text, out IReadOnlyList<string> value) =>
        TextList.TryParse(text, out value));

    /// <summary>Finite numbers, as pgvector and JSON write them (<c>[0.5,-1.25]</c>) or Postgres an array (<c>{0.5,-1.25}</c>).</summary>
    public float[] RequiredVector()
    {
        var text = RequiredText();
        return NumberList.TryParse(text, out var numbers)
            ? numbers
            : throw Error($"has '{(text.Length <= 60 ? text : text[..60] + "…")}' where finite numbers such as [0.5,-1.25] were expected");
    }

    /// <summary>JSON, as the text that it is.</summary>
    public string? Json()
    {
        if (Text() is not { } text) return null;
        try
        {
            using var parsed = JsonDocument.Parse(text);
            return text;
        }
        catch (JsonException error)
        {
            throw Error($"has '{text}', which is no JSON ({error.Message})");
        }
    }

    public InputException Error(string reason) => new($"{file.Name}, line {file.Line}: column '{name}' {reason}.");

    private delegate bool TryParse<T>(string text, out T value);

    private T? Parse<T>(string expected, TryParse<T> parse) where T : struct
    {
        if (Text() is not { } text) return null;
        return parse(text, out var value) ? value : throw Error($"has '{text}' where {expected} was expected");
    }

    private T? Parse<T>(string expected, TryParse<T> parse, T? _ = null) where T : class
    {
        if (Text() is not { } text) return null;
        return parse(text, out var value) ? value : throw Error($"has '{text}' where {expected} was expected");
    }
}
