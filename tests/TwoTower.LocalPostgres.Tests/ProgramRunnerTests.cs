using System.Diagnostics;
using TwoTower.LocalPostgres.Machine;

namespace TwoTower.LocalPostgres.Tests;

public class ProgramRunnerTests
{
    // A shell that has a child, which writes into the file until it is ended, as dpkg-deb has tar.
    private static string[] Writing(string file) => ["-c", $"(while :; do echo more >> '{file}'; done) & wait"];

    [Fact]
    public async Task A_cancelled_program_has_left_nothing_that_still_writes()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "needs sh");
        using var folder = new TemporaryFolder();
        var file = Path.Combine(folder.Path, "growing");
        using var cancel = new CancellationTokenSource();
        var running = ProgramRunner.RunAsync("sh", Writing(file), cancel.Token);
        while (!File.Exists(file)) await Task.Delay(10);

        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        File.Delete(file);
        await Task.Delay(200);
        Assert.False(File.Exists(file));
    }

    [Fact]
    public async Task A_server_outlives_the_cancelled_program_that_started_it()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "needs sh");
        using var folder = new TemporaryFolder();
        var file = Path.Combine(folder.Path, "pid");
        using var cancel = new CancellationTokenSource();
        var running = ProgramRunner.RunAsync("sh", ["-c", $"sleep 60 & echo $! > '{file}.new'; mv '{file}.new' '{file}'; wait"], cancel.Token, leavesServer: true);
        while (!File.Exists(file)) await Task.Delay(10);

        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        using var server = Process.GetProcessById(int.Parse(await File.ReadAllTextAsync(file)));
        Assert.False(server.HasExited);
        server.Kill();
    }
}
