using Microsoft.Extensions.Configuration;
using TwoTower.Core;

namespace TwoTower.AppHost;

/// <summary>
/// The command line, read strictly: the framework's own reading (<c>AddCommandLine</c>) passes over what it can't place.
/// </summary>
internal sealed class Arguments
{
    // What Aspire and the host read themselves; Aspire's command line adds some of it.
    private static readonly string[] AspiresOwn =
    [
        "operation", "step", "publisher", "output-path", "deploy", "log-level", "include-exception-details", "environment",
        "contentRoot", "applicationName", "no-cache", "clear-cache", "urls", "force", "pipeline",
    ];

    private readonly IConfiguration _given;

    /// <summary>Reads the arguments.</summary>
    /// <param name="args">The command line.</param>
    /// <param name="own">The arguments that the program has.</param>
    /// <exception cref="InputException">One that nobody reads.</exception>
    public Arguments(string[] args, params string[] own)
    {
        Check(args);
        _given = new ConfigurationBuilder().AddCommandLine(args).Build();
        foreach (var name in args.Where(IsName).Select(Name).Where(name => !name.Contains(':', StringComparison.Ordinal)))
        {
            if (!own.Concat(AspiresOwn).Contains(name, StringComparer.OrdinalIgnoreCase))
            {
                throw new InputException($"--{name}: there is no such argument; there are --{string.Join(", --", own)}");
            }

            if (own.Contains(name, StringComparer.OrdinalIgnoreCase) && _given[name] is null)
            {
                throw new InputException($"--{name}: its value is missing");
            }
        }
    }

    /// <summary>The value of an argument; null where it isn't given.</summary>
    public string? this[string name] => _given[name];

    /// <summary>Whether each word is an argument or its value.</summary>
    /// <exception cref="InputException">One is neither.</exception>
    public static void Check(string[] args)
    {
        for (var i = 0; i < args.Length; i++)
        {
            if (!IsName(args[i]))
            {
                throw new InputException($"'{args[i]}': write arguments as --name value");
            }

            if (!args[i].Contains('=', StringComparison.Ordinal) && i + 1 < args.Length && !IsName(args[i + 1]))
            {
                i++;
            }
        }
    }

    /// <summary>The value of an argument whose values are an enumeration's, spelt with small letters and dashes.</summary>
    /// <returns>Null where it isn't given.</returns>
    /// <exception cref="InputException">Another value.</exception>
    public T? Choice<T>(string name) where T : struct, Enum
    {
        if (this[name] is not { } value)
        {
            return null;
        }

        foreach (var choice in Enum.GetValues<T>())
        {
            if (Spelling(choice) == value)
            {
                return choice;
            }
        }

        throw Unknown(name, value, string.Join(", ", Enum.GetValues<T>().Select(Spelling)));
    }

    /// <summary>The value of an argument that is one of some words.</summary>
    /// <returns>Null where it isn't given.</returns>
    /// <exception cref="InputException">Another value.</exception>
    public string? OneOf(string name, params string[] choices) =>
        this[name] is not { } value ? null : choices.Contains(value) ? value : throw Unknown(name, value, string.Join(", ", choices));

    /// <summary>The value of an argument that is a whole number.</summary>
    /// <returns>Null where it isn't given.</returns>
    /// <exception cref="InputException">Another value.</exception>
    public int? Number(string name, int least, int most) =>
        this[name] is not { } value ? null
        : int.TryParse(value, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var number)
            && number >= least && number <= most ? number
        : throw new InputException($"--{name} '{value}': write a whole number from {least} to {most}");

    private static bool IsName(string word) => word.StartsWith("--", StringComparison.Ordinal) && word.Length > 2;

    private static string Name(string word) => word[2..].Split('=')[0];

    // ConnectionString is spelt connection-string.
    private static string Spelling<T>(T choice) where T : struct, Enum =>
        string.Concat(choice.ToString().Select((c, i) => (i > 0 && char.IsUpper(c) ? "-" : "") + char.ToLowerInvariant(c)));

    private static InputException Unknown(string name, string value, string choices) => new($"--{name} '{value}': choose one of {choices}");
}
