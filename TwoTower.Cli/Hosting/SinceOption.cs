using System.CommandLine;
using TwoTower.Core.Formats;
using TwoTower.ServiceDefaults.Commands;

namespace TwoTower.Cli.Hosting;

/// <summary>An option that takes a moment (2026-01-20T18:30:00Z, 2026-01-20) or how long ago it was (7d, 12h, 30m).</summary>
internal static class SinceOption
{
    public static Option<DateTimeOffset?> Create(string name, string description, TimeProvider time) => new(name)
    {
        Description = description,
        HelpName = "TIME|AGO",
        CustomParser = result =>
        {
            var text = result.Tokens.Count == 1 ? result.Tokens[0].Value : "";
            if (DurationOption.Parse(text) is { } ago) return time.GetUtcNow() - ago;
            if (InstantText.TryParse(text, out var instant)) return instant;
            result.AddError($"{name} {text} is neither a time such as 2026-01-20T18:30:00Z nor how long ago such as 7d, 12h or 30m");
            return null;
        },
    };

    /// <summary>How long ago it was asked for; null where the option is left out or names a time.</summary>
    public static TimeSpan? AgoOf(ParseResult parse, Option<DateTimeOffset?> option) =>
        parse.GetResult(option) is { Tokens: [var token] } ? DurationOption.Parse(token.Value) : null;
}
