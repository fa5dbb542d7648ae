using System.Diagnostics;
using System.Security.Cryptography;

namespace TwoTower.Testing;

/// <summary>
/// Programs from npm, of a folder with a <c>package.json</c> and its lock file; installed once for all clones that share
/// <c>TWOTOWER_HOME</c>.
/// </summary>
internal sealed class NpmTools
{
    private static readonly string[] AwayCodes = ["ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ENETUNREACH",
        "E404", "E403"];

    private readonly string _folder;

    private NpmTools(string folder) => _folder = folder;

    /// <summary>A file of a package.</summary>
    public string PathOf(params string[] parts) => Path.Combine([_folder, "node_modules", .. parts]);

    /// <summary>How one of them is started, for a test that speaks to it while it runs.</summary>
    public ProcessStartInfo Start(string program, params string[] arguments) => new(
        PathOf(".bin", OperatingSystem.IsWindows() ? program + ".cmd" : program), arguments)
    {
        WorkingDirectory = _folder,
        RedirectStandardInput = true,
        RedirectStandardOutput = true,
        RedirectStandardError = true,
    };

    /// <summary>
    /// Installs what the lock file of a folder of tests/ pins. The reason why not: there is no Node or npm here, or npm's registry is away.
    /// </summary>
    public static async Task<(NpmTools? Tools, string Reason)> InstallAsync(string name)
    {
        if (OnPath("node") is null || OnPath("npm") is null) return (null, "no node and npm on the PATH");
        var source = Path.Combine(PostgresFixture.RepositoryRoot(), "tests", name);
        var home = Environment.GetEnvironmentVariable("TWOTOWER_HOME") is { Length: > 0 } given ? given
            : Path.Combine(PostgresFixture.RepositoryRoot(), ".twotower");
        var version = Convert.ToHexStringLower(SHA256.HashData(await File.ReadAllBytesAsync(Path.Combine(source,
            "package-lock.json"))))[..16];
        var folder = Path.Combine(home, "npm", $"{name}-{version}");
        var done = Path.Combine(folder, "installed");
        Directory.CreateDirectory(folder);
        await using var alone = await LockAsync(folder + ".lock");
        if (File.Exists(done)) return (new(folder), "");
        foreach (var file in new[] { "package.json", "package-lock.json" })
        {
            File.Copy(Path.Combine(source, file), Path.Combine(folder, file), overwrite: true);
        }
        var (code, output) = await RunAsync(OnPath("npm")!, folder, ["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
        if (code != 0)
        {
            return AwayCodes.FirstOrDefault(away => output.Contains(away, StringComparison.Ordinal)) is { } away
                ? (null, $"npm's registry doesn't give the packages of tests/{name} ({away})")
                : throw new InvalidOperationException($"npm ci in {folder}: {output}");
        }

        await File.WriteAllTextAsync(done, "");
        return (new(folder), "");
    }

    /// <summary>Runs one of them.</summary>
    public Task<(int Code, string Output)> RunAsync(string program, params string[] arguments) =>
        RunAsync(Path.Combine(_folder, "node_modules", ".bin", OperatingSystem.IsWindows() ? program + ".cmd" : program), _folder,
            arguments);

    private static async Task<(int Code, string Output)> RunAsync(string program, string folder, string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true
        };
        start.Environment["REDOCLY_TELEMETRY"] = "off";
        start.Environment["REDOCLY_SUPPRESS_UPDATE_NOTICE"] = "true";
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(10));
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(patience.Token);
            var error = await process.StandardError.ReadToEndAsync(patience.Token);
            await process.WaitForExitAsync(patience.Token);
            return (process.ExitCode, await output + error);
        }
        finally
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
        }
    }

    private static string? OnPath(string program) => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .Select(folder => Path.Combine(folder, OperatingSystem.IsWindows() ? program + (program == "node" ? ".exe" : ".cmd") : program))
            .FirstOrDefault(File.Exists);

    private static async Task<FileStream> LockAsync(string path)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(10));
        while (true)
        {
            try
            {
                return new(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException)
            {
                await Task.Delay(200, patience.Token);
            }
        }
    }
}
