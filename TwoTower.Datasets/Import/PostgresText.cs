using System.Globalization;
using System.Text.RegularExpressions;
using TwoTower.Core.Formats;

namespace TwoTower.Datasets.Import;

/// <summary>Values as PostgreSQL writes them, and as other programs do, among them those that .NET has no value for.</summary>
internal static partial class PostgresText
{
    // Significant digits that a decimal keeps whatever they are.
    private const int DecimalDigits = 28;

    /// <summary>
    /// Reads a time: ISO 8601, also with <c> UTC</c> behind it; seconds, milliseconds or microseconds since 1970 by their size (9 to 11, 12
    /// to
    /// 14, 15 to 17 digits); or what PostgreSQL writes and .NET can't hold.
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

    // The calendar repeats itself every 400 years; the year before 1 is 1 BC.
    private static bool IsDay(Match far)
    {
        var year = int.Parse(far.Groups["year"].ValueSpan, CultureInfo.InvariantCulture);
        if (year == 0) return false;
        if (far.Groups["bc"].Success) year = 1 - year;
        return int.Parse(far.Groups["day"].ValueSpan, CultureInfo.InvariantCulture)
            <= DateTime.DaysInMonth((year % 400) + 800, int.Parse(far.Groups["month"].ValueSpan, CultureInfo.InvariantCulture));
    }

    [GeneratedRegex(@"\A(?<whole>\d{9,17})(\.\d+)?\z")]
    private static partial Regex EpochTime();

    // Years of one to six digits, before or after Christ.
    [GeneratedRegex(
        @"\A(?<year>\d{1,6})-(?<month>0[1-9]|1[0-2])-(?<day>0[1-9]|[12]\d|3[01])([ T]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d+)?)?"
            + @"(Z|[+-]\d\d(:?\d\d(:?\d\d)?)?)?)?(?<bc> BC)?\z", RegexOptions.IgnoreCase)]
    private static partial Regex FarTime();

    [GeneratedRegex(@"\A[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,4})?\z")]
    private static partial Regex Number();
}
