using TwoTower.LocalPostgres.Clusters;

namespace TwoTower.LocalPostgres.Tests;

/// <summary>PostgreSQL programs of the machine that lack pgvector, such as Debian 12's own.</summary>
internal static class MachineWithoutPgVector
{
    public const string Missing = "this machine has no PostgreSQL 15 or later without pgvector under /usr/lib/postgresql";

    public static string? Find() => !Directory.Exists("/usr/lib/postgresql") ? null : Directory.EnumerateDirectories("/usr/lib/postgresql")
        .Where(static folder => int.TryParse(Path.GetFileName(folder), out var major) && major >= 15)
        .Select(static folder => Path.Combine(folder, "bin"))
        .FirstOrDefault(static folder => File.Exists(Path.Combine(folder, "initdb"))
            && !File.Exists($"/usr/share/postgresql/{Path.GetFileName(Path.GetDirectoryName(folder))}/extension/vector.control"));

    /// <summary>Those programs as a cluster takes them; the version of pgvector is a lie that only a server can find out.</summary>
    public static PostgresPrograms Programs(string folder) =>
        new(folder, int.Parse(Path.GetFileName(Path.GetDirectoryName(folder))!), new Version(0, 8, 7), "the machine's programs");
}
