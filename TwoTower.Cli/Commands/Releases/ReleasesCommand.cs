using System.CommandLine;
using TwoTower.Cli.Hosting;

namespace TwoTower.Cli.Commands.Releases;

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
}
