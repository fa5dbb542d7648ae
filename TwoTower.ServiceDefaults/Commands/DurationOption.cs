using System.CommandLine;
using System.Globalization;

namespace TwoTower.Cli.Hosting;

/// <summary>An option that takes a length of time: 90s, 30m, 12h, 7d.</summary>
internal static class DurationOption
{
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
    public static TimeSpan? Parse(string text) =>
        text.Length > 1 && double.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) && number < 10_000
            ? text[^1] switch
            {
                'd' => TimeSpan.FromDays(number),
                'h' => TimeSpan.FromHours(number),
                'm' => TimeSpan.FromMinutes(number),
                's' => TimeSpan.FromSeconds(number),
                _ => null,
            }
            : null;
}
