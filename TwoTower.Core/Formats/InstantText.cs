using System.Globalization;

namespace TwoTower.Core.Formats;

/// <summary>Times as text. All of them are instants; an offset in the text says which, and without one it is UTC.</summary>
internal static class InstantText
{
    /// <summary>
    /// Reads ISO 8601: a date, or a date and a time to the minute or finer after <c>T</c> or a space, with <c>Z</c>, an offset
    /// (<c>+09:00</c>, <c>+0900</c>, <c>+09</c>) or none (UTC). Kept to microseconds, as Postgres does.
    /// </summary>
    public static bool TryParse(ReadOnlySpan<char> text, out DateTimeOffset instant)
    {
        instant = default;
        var at = 0;
        if (!Digits(text, ref at, 4, out var year) || !Skip(text, ref at, '-')
            || !Digits(text, ref at, 2, out var month) || !Skip(text, ref at, '-')
            || !Digits(text, ref at, 2, out var day))
        {
            return false;
        }

        int hour = 0, minute = 0, second = 0;
        long micros = 0;
        if (at < text.Length)
        {
            if (text[at] is not ('T' or 't' or ' ')) return false;
            at++;
            if (!Digits(text, ref at, 2, out hour) || !Skip(text, ref at, ':') || !Digits(text, ref at, 2, out minute)) return false;
            if (Skip(text, ref at, ':') && !Digits(text, ref at, 2, out second)) return false;
            if (Skip(text, ref at, '.') && !Fraction(text, ref at, out micros)) return false;
        }

        if (!Offset(text, ref at, out var offsetMinutes) || at != text.Length) return false;
        if (year < 1 || month is < 1 or > 12 || day < 1 || day > DateTime.DaysInMonth(year, month)
            || hour > 23 || minute > 59 || second > 59)
        {
            return false;
        }

        var ticks = new DateTime(year, month, day, hour, minute, second).Ticks
            + micros * TimeSpan.TicksPerMicrosecond - offsetMinutes * TimeSpan.TicksPerMinute;
        if (ticks < 0 || ticks > DateTime.MaxValue.Ticks) return false;
        instant = new(ticks, TimeSpan.Zero);
        return true;
    }

    /// <summary>The instant in UTC with microseconds, as the files in <c>golden/</c> have it: 2025-10-12T09:30:00.000000Z.</summary>
    public static string Format(DateTimeOffset instant) =>
        instant.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);

    private static bool Digits(ReadOnlySpan<char> text, ref int at, int count, out int value)
    {
        value = 0;
        if (at + count > text.Length) return false;
        for (var end = at + count; at < end; at++)
        {
            if (!char.IsAsciiDigit(text[at])) return false;
            value = value * 10 + (text[at] - '0');
        }

        return true;
    }

    private static bool Skip(ReadOnlySpan<char> text, ref int at, char expected)
    {
        if (at >= text.Length || text[at] != expected) return false;
        at++;
        return true;
    }

    private static bool Fraction(ReadOnlySpan<char> text, ref int at, out long micros)
    {
        micros = 0;
        var start = at;
        for (var unit = 100_000; at < text.Length && char.IsAsciiDigit(text[at]); at++, unit /= 10) micros += unit * (text[at] - '0');
        return at > start;
    }

    private static bool Offset(ReadOnlySpan<char> text, ref int at, out int minutes)
    {
        minutes = 0;
        if (at == text.Length) return true;
        if (Skip(text, ref at, 'Z') || Skip(text, ref at, 'z')) return true;
        var sign = text[at] switch { '+' => 1, '-' => -1, _ => 0 };
        at++;
        if (sign == 0 || !Digits(text, ref at, 2, out var hours)) return false;
        Skip(text, ref at, ':');
        var rest = 0;
        if (at < text.Length && !Digits(text, ref at, 2, out rest)) return false;
        minutes = sign * (hours * 60 + rest);
        return hours <= 18 && rest <= 59;
    }
}
