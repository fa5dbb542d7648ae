using System.Globalization;
using System.Text.RegularExpressions;
using TwoTower.Core.Formats;

namespace TwoTower.Datasets.Import;

/// <summary>Values as PostgreSQL writes them, and as other programs do, among them those that .NET has no value for.</summary>
internal static partial class PostgresText
{
    // Significant digits that a decimal keeps whatever they are.
    private const int DecimalDigits = 28;

    // What timestamptz takes; BC 4714 is the year -4713.
    private static readonly (int Year, int Month, int Day) FirstDay = (-4713, 11, 24), LastDay = (294_276, 12, 31);
    private static readonly TimeSpan MostOffset = new(15, 59, 59);

    /// <summary>
    /// Reads a time: ISO 8601, also with <c> UTC</c> behind it; seconds, milliseconds or microseconds since 1970 by their size (9 to 11, 12
    /// to 14, 15 to 17 digits) unless they look like a date; or what PostgreSQL writes and .NET can't hold.
    /// </summary>
    /// <param name="time">The time; null where .NET has none.</param>
    /// <param name="exact">The text for PostgreSQL where .NET has no such time.</param>
    public static bool TryTime(string text, out DateTimeOffset? time, out string? exact)
    {
        (time, exact) = (null, null);
        foreach (var zone in new[] { " UTC", " GMT" })
        {
            if (text.EndsWith(zone, StringComparison.OrdinalIgnoreCase)) text = text[..^zone.Length] + "Z";
        }

        if (InstantText.TryParse(text, out var instant))
        {
            time = instant;
            return true;
        }

        if (TryDigits(text, out _)) return false;
        if (EpochTime().Match(text) is { Success: true } epoch)
        {
            var micros = decimal.Parse(text, CultureInfo.InvariantCulture) * epoch.Groups["whole"].Length switch
            {
                <= 11 => 1_000_000,
                <= 14 => 1_000,
                _ => 1,
            };
            time = DateTimeOffset.UnixEpoch.AddMicroseconds((double)decimal.Truncate(micros));
            return true;
        }

        if (text.ToLowerInvariant() is "infinity" or "-infinity")
        {
            exact = text.ToLowerInvariant();
            return true;
        }

        if (FarTime().Match(text) is not { Success: true } far || !IsDay(far)) return false;
        exact = text;
        return true;
    }

    /// <summary>
    /// True for a date and time of this or the last century that is written without separators: to the minute, second, tenth or millisecond
    /// (12, 14, 15 or 17 digits). As a number since 1970 it would be of 1976 or of 2570 to 2650, which nobody means. To the hour or the
    /// hundredth (10, 16 digits) it would be of 2030 to 2036, and somebody may.
    /// </summary>
    /// <param name="iso">The same in ISO 8601.</param>
    public static bool TryDigits(string text, out string iso)
    {
        iso = "";
        if (text.Length < 12 || !DigitsTime().IsMatch(text)) return false;
        var digits = text.Split('.')[0];
        var time = $"{digits[..4]}-{digits[4..6]}-{digits[6..8]}T{digits[8..10]}:{digits[10..12]}"
            + (digits.Length > 12 ? $":{digits[12..14]}" : "") + (digits.Length > 14 ? $".{digits[14..]}" : "") + "Z";
        if (!InstantText.TryParse(time, out _)) return false;
        iso = time;
        return true;
    }

    /// <summary>Reads a year of four digits, also as programs write a column with gaps: <c>1996.0</c>.</summary>
    /// <param name="time">1 January of it, UTC.</param>
    public static bool TryYear(string text, out DateTimeOffset time)
    {
        var match = Year().Match(text);
        time = match.Success ? new(int.Parse(match.Groups["year"].ValueSpan, CultureInfo.InvariantCulture), 1, 1, 0, 0, 0, TimeSpan.Zero) : default;
        return match.Success;
    }

    /// <summary>Reads a number of PostgreSQL's numeric.</summary>
    /// <param name="value">The number; null where a decimal can't hold it.</param>
    /// <param name="exact">The text for PostgreSQL where a decimal holds none or not all of it.</param>
    public static bool TryNumber(string text, out decimal? value, out string? exact)
    {
        (value, exact) = (null, null);
        var isDecimal = decimal.TryParse(
            text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture,
            out var number);
        if (isDecimal) value = number;
        if (isDecimal && text.Count(char.IsAsciiDigit) <= DecimalDigits
            && !text.Contains('e', StringComparison.OrdinalIgnoreCase)) return true;
        switch (text.ToLowerInvariant())
        {
            case "nan":
                exact = "NaN";
                return true;
            case "infinity" or "inf" or "+infinity" or "+inf":
                exact = "Infinity";
                return true;
            case "-infinity" or "-inf":
                exact = "-Infinity";
                return true;
            default:
                if (!Number().IsMatch(text)) return false;
                exact = text;
                return true;
        }
    }

    // The calendar repeats itself every 400 years; the year before 1 is 1 BC, here 0.
    private static bool IsDay(Match far)
    {
        var year = Part("year");
        if (year == 0) return false;
        if (far.Groups["bc"].Success) year = 1 - year;
        var (month, day) = (Part("month"), Part("day"));
        if (day > DateTime.DaysInMonth((year % 400) + 800, month)) return false;

        // The server has the days from 24 November 4714 BC to the last of 294276, in UTC.
        var offset = new TimeSpan(Part("offset_hours"), Part("offset_minutes"), Part("offset_seconds"));
        if (offset > MostOffset) return false;
        var utc = new TimeSpan(Part("hour"), Part("minute"), Part("second")) - (far.Groups["sign"].Value == "-" ? -offset : offset);
        var isFirst = (year, month, day).CompareTo(FirstDay);
        var isLast = (year, month, day).CompareTo(LastDay);
        return isFirst >= 0 && isLast <= 0 && (isFirst > 0 || utc >= TimeSpan.Zero) && (isLast < 0 || utc < TimeSpan.FromDays(1));

        int Part(string name) => far.Groups[name] is { Success: true } part ? int.Parse(part.ValueSpan, CultureInfo.InvariantCulture) : 0;
    }

    [GeneratedRegex(@"\A(?<year>[1-9][0-9]{3})(\.0+)?\z")]
    private static partial Regex Year();

    [GeneratedRegex(@"\A(?<whole>[0-9]{9,17})(\.[0-9]+)?\z")]
    private static partial Regex EpochTime();

    [GeneratedRegex(@"\A(19|20)[0-9]{10}([0-9]{2}([0-9]|[0-9]{3})?)?(\.[0-9]+)?\z")]
    private static partial Regex DigitsTime();

    // Years of one to six digits, before or after Christ.
    [GeneratedRegex(
        @"\A(?<year>[0-9]{1,6})-(?<month>0[1-9]|1[0-2])-(?<day>0[1-9]|[12][0-9]|3[01])"
            + @"([ T](?<hour>[01][0-9]|2[0-3]):(?<minute>[0-5][0-9])(:(?<second>[0-5][0-9])(\.[0-9]+)?)?"
            + @"(Z|(?<sign>[+-])(?<offset_hours>[0-9]{2})(:?(?<offset_minutes>[0-5][0-9])(:?(?<offset_seconds>[0-5][0-9]))?)?)?)?(?<bc> BC)?\z",
        RegexOptions.IgnoreCase)]
    private static partial Regex FarTime();

    [GeneratedRegex(@"\A[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,4})?\z")]
    private static partial Regex Number();
}
