using TwoTower.LocalPostgres.Apt;

namespace TwoTower.LocalPostgres.Tests;

/// <summary>Whether this machine's apt can provide a private copy.</summary>
internal static class Mirror
{
    public const string Missing = "this machine has no apt sources of Debian or Ubuntu";

    public static OsRelease? Os => File.Exists("/etc/os-release") ? OsRelease.Parse(File.ReadAllText("/etc/os-release")) : null;

    public static bool Expected => Os is { } os && AptSources.MirrorsOf(AptSources.Read("/etc/apt"), os).Count > 0;
}
