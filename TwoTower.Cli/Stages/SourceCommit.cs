using System.Reflection;

namespace TwoTower.Cli.Stages;

/// <summary>The commit that a program was built from, as the SDK puts it after the version: 0.1.0+4f2a….</summary>
internal static class SourceCommit
{
    /// <summary>Null where it was built outside of a clone.</summary>
    public static string? Of(Assembly assembly) =>
        assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+') is [_, var commit]
            ? commit : null;
}
