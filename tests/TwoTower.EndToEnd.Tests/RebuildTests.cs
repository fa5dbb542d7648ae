using System.Diagnostics;
using TwoTower.Testing;

namespace TwoTower.EndToEnd.Tests;

/// <summary>What a build leaves alone.</summary>
public class RebuildTests
{
    [Fact]
    public async Task A_build_does_not_write_into_the_files_that_a_running_program_has_mapped()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows doesn't let a mapped file be written");
        // The compiler writes its output in place: were the two one file by a hard link, a rebuild would end the program with SIGBUS.
        var project = Path.Combine(PostgresFixture.RepositoryRoot(), "TwoTower.Cli");
        var compiled = Path.Combine(project, "obj", "Release", "net10.0", "twotower.dll");
        Assert.NotEqual(await FileNumberAsync(compiled), await FileNumberAsync(Path.Combine(project, "bin", "Release", "net10.0", "twotower.dll")));
    }

    private static async Task<string> FileNumberAsync(string path)
    {
        using var ls = Process.Start(new ProcessStartInfo("ls", ["-i", path]) { RedirectStandardOutput = true })!;
        var line = await ls.StandardOutput.ReadToEndAsync();
        await ls.WaitForExitAsync();
        Assert.Equal(0, ls.ExitCode);
        return line.TrimStart().Split(' ')[0];
    }
}
