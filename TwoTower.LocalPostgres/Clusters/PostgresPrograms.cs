using System.Globalization;
using System.Text.RegularExpressions;
using TwoTower.LocalPostgres.Machine;
using TwoTower.LocalPostgres.Servers;

namespace TwoTower.LocalPostgres.Clusters;

/// <summary>A folder with initdb, pg_ctl and postgres, whose PostgreSQL has pgvector.</summary>
/// <param name="Folder">The programs' folder.</param>
/// <param name="Major">PostgreSQL's major version.</param>
/// <param name="PgVector">pgvector's version.</param>
/// <param name="Where">The place in words: "this machine's programs in …", "a private copy …".</param>
internal sealed partial record PostgresPrograms(string Folder, int Major, Version PgVector, string Where)
{
    public string Path(string program) => Program(Folder, program);

    /// <summary>The machine's own programs that can serve us, best first; and, where there are none, what was seen instead.</summary>
    public static async Task<(IReadOnlyList<PostgresPrograms> Found, string? Reason)> OfMachineAsync(
        IEnumerable<string> folders, CancellationToken ct)
    {
        List<PostgresPrograms> found = [];
        List<string> without = [];
        foreach (var folder in folders.Distinct().Where(static folder => File.Exists(Program(folder, "initdb")) && File.Exists(Program(folder, "pg_ctl"))))
        {
            var version = await ProgramRunner.RunAsync(Program(folder, "pg_ctl"), ["--version"], ct, TimeSpan.FromSeconds(10));
            if (!version.Succeeded || VersionText().Match(version.Output) is not { Success: true } match)
            {
                continue;
            }

            var major = int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture);
            if (major < ServerProbe.OldestMajor)
            {
                without.Add($"PostgreSQL {major} in {folder} is older than {ServerProbe.OldestMajor}");
                continue;
            }

            var vector = await PgVectorAsync(folder, major, ct);
            if (vector is null)
            {
                without.Add($"PostgreSQL {major} in {folder} has no pgvector");
                continue;
            }

            found.Add(new PostgresPrograms(folder, major, vector, $"this machine's programs in {folder}"));
        }

        found = [.. found.OrderByDescending(static programs => programs.PgVector).ThenByDescending(static programs => programs.Major)];
        return (found, found.Count > 0 ? null : without.Count > 0 ? string.Join("; ", without) : "no PostgreSQL programs on this machine");
    }

    /// <summary>Where PostgreSQL's programs usually lie, by packager.</summary>
    public static async Task<IReadOnlyList<string>> UsualFoldersAsync(CancellationToken ct)
    {
        List<string> folders = [];
        if (ProgramRunner.Find("pg_config") is { } config && await AskAsync(config, "--bindir", ct) is { } asked)
        {
            folders.Add(asked);
        }

        if (ProgramRunner.Find("initdb") is { } initdb)
        {
            folders.Add(System.IO.Path.GetDirectoryName(initdb)!);
        }

        (string Parent, string Pattern, string Below)[] places = OperatingSystem.IsWindows()
            ? [(System.IO.Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.ProgramFiles), "PostgreSQL"), "*", "bin")]
            :
            [
                ("/usr/lib/postgresql", "*", "bin"), // Debian, Ubuntu
                ("/usr", "pgsql-*", "bin"), // PostgreSQL's own RPMs
                ("/usr/local", "pgsql*", "bin"), // built from source
                ("/opt/homebrew/opt", "postgresql*", "bin"),
                ("/usr/local/opt", "postgresql*", "bin"), // Homebrew on Intel
                ("/home/linuxbrew/.linuxbrew/opt", "postgresql*", "bin"),
                ("/opt/local/lib", "postgresql*", "bin"), // MacPorts
                ("/Applications/Postgres.app/Contents/Versions", "*", "bin"),
                ("/usr/libexec", "postgresql*", ""), // Alpine
            ];
        foreach (var (parent, pattern, below) in places)
        {
            if (Directory.Exists(parent))
            {
                folders.AddRange(Directory.EnumerateDirectories(parent, pattern)
                    .OrderDescending(StringComparer.Ordinal).Select(folder => System.IO.Path.Combine(folder, below).TrimEnd('/')));
            }
        }

        return folders;
    }

    private static async Task<Version?> PgVectorAsync(string folder, int major, CancellationToken ct)
    {
        List<string> shares = [];
        if (File.Exists(Program(folder, "pg_config")) && await AskAsync(Program(folder, "pg_config"), "--sharedir", ct) is { } asked)
        {
            shares.Add(asked);
        }

        // Without a pg_config: Debian's layout, Alpine's, and the ones of a prefix of its own.
        foreach (var relative in new[] { $"../../../../share/postgresql/{major}", $"../../share/postgresql{major}", "../share/postgresql", "../share" })
        {
            shares.Add(System.IO.Path.GetFullPath(System.IO.Path.Combine(folder, relative)));
        }

        var control = shares.Select(static share => System.IO.Path.Combine(share, "extension", "vector.control")).FirstOrDefault(File.Exists);
        return control is null ? null : VersionOf(await File.ReadAllTextAsync(control, ct));
    }

    /// <summary>The default_version of an extension's control file.</summary>
    internal static Version? VersionOf(string control) =>
        ControlVersion().Match(control) is { Success: true } match ? Version.Parse(match.Groups[1].Value) : null;

    private static async Task<string?> AskAsync(string config, string what, CancellationToken ct)
    {
        var result = await ProgramRunner.RunAsync(config, [what], ct, TimeSpan.FromSeconds(10));
        return result.Succeeded ? result.Output.Trim() : null;
    }

    private static string Program(string folder, string program) =>
        System.IO.Path.Combine(folder, OperatingSystem.IsWindows() ? program + ".exe" : program);

    [GeneratedRegex(@"\(PostgreSQL\) (\d+)")]
    private static partial Regex VersionText();

    [GeneratedRegex(@"default_version\s*=\s*'(\d+\.\d+(?:\.\d+)?)'")]
    private static partial Regex ControlVersion();
}
