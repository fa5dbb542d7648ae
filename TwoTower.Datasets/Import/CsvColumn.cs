using System.Buffers.Text;
using System.Globalization;
using System.Text;
using System.Text.Json;
using TwoTower.Core.Formats;

namespace TwoTower.Datasets.Import;

/// <summary>A column of a <see cref="TableFile"/>, read as a type. An empty field, and a column that the file lacks, is null.</summary>
internal readonly struct CsvColumn(TableFile file, string name, int index)
{
    /// <summary>A column that a file lacks.</summary>
    public static CsvColumn None(TableFile file, string name) => new(file, name, -1);

    public bool Exists => index >= 0;

    /// <summary>Where it is in the header; less than 0 where the file lacks it.</summary>
    public int Index => index;

    /// <summary>Where the row at hand is, for messages.</summary>
    public string Place => file.Place;

    /// <summary>The text; an empty one, <c>""</c> in CSV, is a text and not null.</summary>
    public string? Text() => index < 0 ? null : file.Text(index);

    public string RequiredText() => Text() ?? throw Error("is empty");

    /// <summary>The bytes of the text, without spaces around it; none where there is no text.</summary>
    public ReadOnlySpan<byte> Bytes() => index < 0 ? [] : file.Bytes(index).Trim(" \t"u8);

    /// <summary>A uuid, or the one that stands for another id.</summary>
    public Guid RequiredId(RowIds ids)
    {
        var bytes = Bytes();
        if (bytes.IsEmpty) throw Error("is empty");
        return Utf8Parser.TryParse(bytes, out Guid id, out var used) && used == bytes.Length
            ? ids.OfUuid(id, this)
            : ids.OfText(Encoding.UTF8.GetString(bytes), this);
    }

    /// <summary>Whole numbers, also as programs write a column with gaps: <c>4440.0</c>.</summary>
    public int? Int() => Parse("a whole number", static (string text, out int value) => TryWhole(text, int.MinValue, int.MaxValue, out value));

    public short? Short() => Parse("a whole number between -32768 and 32767", static (string text, out short value) =>
    {
        var isOne = TryWhole(text, short.MinValue, short.MaxValue, out var whole);
        value = (short)whole;
        return isOne;
    });

    /// <summary>A price. What Postgres' numeric holds and a decimal doesn't is kept as text.</summary>
    public decimal? Decimal(out string? exact)
    {
        exact = null;
        if (Value() is not { } text) return null;
        if (!PostgresText.TryNumber(text, out var value, out exact)) throw Error($"has '{CsvFile.Show(text)}' where a number such as 980 or 980.50 was expected");
        return value;
    }

    /// <summary>A time. What Postgres holds and .NET doesn't (infinity, BC, the year 20000) is kept as text.</summary>
    public DateTimeOffset? Time(out string? exact) => TryTime(out var time, out exact)
        ? time
        : throw Error(PostgresText.TryDigits(Value()!, out var meant)
            ? $"has '{Value()}', which looks like a date without separators and like a number since 1970: write it as {meant}, or give seconds"
            : $"has '{CsvFile.Show(Value()!)}' where a time such as 2025-10-12T09:30:00Z was expected");

    private bool TryTime(out DateTimeOffset? time, out string? exact)
    {
        (time, exact) = (null, null);
        if (Bytes() is not { IsEmpty: false } bytes) return true;
        if (bytes.Length <= 40)
        {
            Span<char> chars = stackalloc char[40];
            if (Encoding.UTF8.TryGetChars(bytes, chars, out var count)
                && InstantText.TryParse(chars[..count], out var instant))
            {
                time = instant;
                return true;
            }
        }

        return PostgresText.TryTime(Value()!, out time, out exact);
    }

    /// <summary>A time, or a year alone, which begins on 1 January, UTC: of many a thing no more is known.</summary>
    /// <param name="exact">As of <see cref="Time"/>.</param>
    /// <param name="odd">Told that the row at hand has neither, which is null then; null: that is an error.</param>
    public DateTimeOffset? TimeOrYear(out string? exact, Action<CsvColumn>? odd = null)
    {
        exact = null;
        if (Value() is { } text && PostgresText.TryYear(text, out var year)) return year;
        if (odd is null) return Time(out exact);
        if (TryTime(out var time, out exact)) return time;
        odd(this);
        return null;
    }

    public DateTimeOffset? RequiredTime(out string? exact)
    {
        var time = Time(out exact);
        return time is null && exact is null ? throw Error("is empty") : time;
    }

    public bool? Bool() => Parse("true or false", static (string text, out bool value) =>
    {
        value = text.ToLowerInvariant() is "true" or "t" or "yes" or "y" or "on" or "1" or "1.0";
        return value || text.ToLowerInvariant() is "false" or "f" or "no" or "n" or "off" or "0" or "0.0";
    });

    /// <summary>A list of texts, as Postgres writes an array (<c>{JP,US}</c>) or as JSON (<c>["JP","US"]</c>).</summary>
    /// <param name="exact">The array as it is written where it holds more than texts: NULL, or arrays.</param>
    public IReadOnlyList<string>? List(out string? exact)
    {
        exact = null;
        if (Value() is not { } text) return null;
        if (TextList.TryParse(text, out var values)) return values;
        if (!TextList.TryParseOdd(text, out values)) throw Error($"has '{CsvFile.Show(text)}' where a list such as {{JP,US}} or [\"JP\",\"US\"] was expected");
        exact = text;
        return values;
    }

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
        if (Value() is not { } text) return null;
        try
        {
            using var parsed = JsonDocument.Parse(text);
        }
        catch (JsonException error)
        {
            throw Error($"has '{CsvFile.Show(text)}', which is no JSON ({error.Message})");
        }

        // jsonb is text in the end, and no text in PostgreSQL holds a NUL.
        return text.Contains("\\u0000", StringComparison.Ordinal) ? throw Error("has a NUL character (\\u0000), which PostgreSQL doesn't take: leave it out") : text;
    }

    public BadRowException Error(string reason) => new($"{file.Place}: column '{name}' {reason}.");

    private delegate bool TryParse<T>(string text, out T value);

    // Of what isn't text, an empty field in quotes is as empty as one without.
    private string? Value() => Text()?.Trim() is { Length: > 0 } text ? text : null;

    private T? Parse<T>(string expected, TryParse<T> parse) where T : struct
    {
        if (Value() is not { } text) return null;
        return parse(text, out var value) ? value : throw Error($"has '{CsvFile.Show(text)}' where {expected} was expected");
    }

    private static bool TryWhole(string text, int min, int max, out int value)
    {
        if (!int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value))
        {
            if (!decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
                || number != decimal.Truncate(number)
                || number < min || number > max)
            {
                return false;
            }

            value = (int)number;
        }

        return value >= min && value <= max;
    }
}
