using System.CommandLine;
using System.Globalization;

namespace TwoTower.ServiceDefaults.Commands;

/// <summary>An option that takes a length of time: 90s, 30m, 12h, 7d.</summary>
internal static class DurationOption
{
    // 27 years: a moment that long ago, or a pause that long, is a slip of the keyboard.
    private static readonly TimeSpan Most = TimeSpan.FromDays(10_000);

    public static Option<TimeSpan?> Create(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "TIME",
        CustomParser = result =>
        {
            var text = result.Tokens.Count == 1 ? result.Tokens[0].Value : "";
            if (Parse(text) is { } time && time > TimeSpan.Zero) return time;
            result.AddError($"{name} {text} is not a length of time such as 90s, 30m, 12h or 7d");
            return null;
        },
    };

    /// <summary>Null where it is none.</summary>
    public static TimeSpan? Parse(string text)
    {
        if (text.Length < 2) return null;
        var digits = text.AsSpan(0, text.Length - 1);
        if (!double.TryParse(digits, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)) return null;

        TimeSpan? unit = text[^1] switch
        {
            'd' => TimeSpan.FromDays(1),
            'h' => TimeSpan.FromHours(1),
            'm' => TimeSpan.FromMinutes(1),
            's' => TimeSpan.FromSeconds(1),
            _ => null,
        };
        return unit is { } one && number < Most / one ? one * number : null;
    }
}
