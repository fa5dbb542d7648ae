using System.CommandLine;
using TwoTower.ServiceDefaults.Commands;

namespace TwoTower.Cli.Commands;

/// <summary>Options of the verbs that serve.</summary>
internal static class ServeOptions
{
    public const int DefaultPort = 5080;

    public static readonly Option<int?> Port =
        NumberOption.Create("--port", "Port of the API on this machine.", 1, 65535, DefaultPort);
}
