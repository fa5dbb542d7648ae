using System.Diagnostics;
using TwoTower.Testing;

namespace TwoTower.LocalPostgres.Tests;

/// <summary>This test project's own Program.cs in another process, perhaps as another user.</summary>
internal static class ProviderProcess
{
    public static async Task<(int ExitCode, string Output)> RunAsync(
        IReadOnlyList<string> arguments, string? user = null, string? interruptAt = null)
    {
        List<string> command = ["dotnet", typeof(ProviderProcess).Assembly.Location, .. arguments];
        if (user is not null)
        {
            command.InsertRange(0, ["setpriv", $"--reuid={user}", "--clear-groups", "--regid=65534", "--"]);
        }

        var start = new ProcessStartInfo(command[0], command.Skip(1)) { RedirectStandardOutput = true, RedirectStandardError = true };
        if (user is not null)
        {
            start.Environment["HOME"] = arguments[1];
            start.Environment["DOTNET_CLI_HOME"] = arguments[1];
        }

        CtrlC.Hear();
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        List<string> lines = [];
        while (await process.StandardOutput.ReadLineAsync() is { } line)
        {
            lines.Add(line);
            if (interruptAt is not null && line.Contains(interruptAt, StringComparison.Ordinal))
            {
                using var kill = Process.Start("kill", ["-INT", process.Id.ToString()]);
                await kill.WaitForExitAsync();
            }
        }

        await process.WaitForExitAsync();
        return (process.ExitCode, string.Join('\n', lines) + await errors);
    }
}
