using System.CommandLine;
using TwoTower.Cli.Commands.Releases;

namespace TwoTower.Cli.Commands;

/// <summary><c>twotower releases …</c>: the models, which of them is served, and how they come and go.</summary>
internal static class ReleasesCommand
{
    public static Command Create(CommandHost host) => new("releases", "The models that were trained or imported, and which of them is served.")
    {
        ListVerb.Create(host),
        ShowVerb.Create(host),
        VerifyVerb.Create(host),
        CompareVerb.Create(host),
        ActivateVerb.Create(host),
        RollbackVerb.Create(host),
        RetireVerb.Create(host),
        PruneVerb.Create(host),
        PinVerbs.Pin(host),
        PinVerbs.Unpin(host),
        BundleVerbs.Export(host),
        BundleVerbs.Import(host),
    };

    /// <summary>Who does what this process does, for the history of releases.</summary>
    public static string Actor => $"twotower ({Environment.UserName})";

    /// <summary>The release that a verb is about.</summary>
    public static Argument<string> Version() => new("VERSION") { Description = "The release's model_version, as 'twotower releases list' shows it." };

    /// <summary>Why, for the history.</summary>
    public static Option<string> Reason() => new("--reason") { Description = "Kept in the history.", HelpName = "TEXT", DefaultValueFactory = _ => "by hand" };
}
