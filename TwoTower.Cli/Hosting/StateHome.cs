using TwoTower.Training;

namespace TwoTower.Cli.Hosting;

/// <summary>
/// The folder for what a machine keeps between runs: our own PostgreSQL, exported artifacts. TWOTOWER_HOME where it is set (the script
/// <c>./twotower</c> points it into the clone), else <c>.twotower</c> in the current folder. Checkpoints: <see cref="CheckpointFolder"/>.
/// </summary>
internal static class StateHome
{
    public static string Path
    {
        get
        {
            var named = Environment.GetEnvironmentVariable("TWOTOWER_HOME");
            return System.IO.Path.GetFullPath(string.IsNullOrWhiteSpace(named) ? ".twotower" : named);
        }
    }

    /// <summary>Where an export of a release goes unless a folder is named.</summary>
    public static string Artifacts(string modelVersion) => System.IO.Path.Combine(Path, "artifacts", modelVersion);
}
