using System.CommandLine;

namespace TwoTower.Cli.Hosting;

/// <summary>What verbs that change a release share.</summary>
internal static class ReleaseOptions
{
    /// <summary>Who does what this process does, for the history of releases.</summary>
    public static string Actor => $"twotower ({Environment.UserName})";

    /// <summary>The release that a verb is about.</summary>
    public static Argument<string> Version() => new("VERSION") { Description = "The release's model_version, as 'twotower releases list' shows it." };

    /// <summary>Why, for the history.</summary>
    public static Option<string> Reason() => new("--reason") { Description = "Kept in the history.", HelpName = "TEXT", DefaultValueFactory = _ => "by hand" };
}
