using System.ComponentModel;
using System.Diagnostics;

namespace TwoTower.LocalPostgres.Machine;

/// <summary>How a program ended and what it wrote.</summary>
internal sealed record CommandResult(int ExitCode, string Output, string Errors)
{
    /// <summary>The exit code of a program that isn't there, as in a shell.</summary>
    public const int NotFound = 127;

    /// <summary>The exit code of a program that ran out of its time, as timeout(1) gives it.</summary>
    public const int TimedOut = 124;

    public bool Succeeded => ExitCode == 0;

    /// <summary>The line that most likely says why it failed.</summary>
    public string Reason()
    {
        var lines = (Errors + "\n" + Output).Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        var marked = lines.FirstOrDefault(static line =>
            line.StartsWith("E:", StringComparison.Ordinal) || line.Contains("FATAL", StringComparison.Ordinal)
            || line.Contains("rror:", StringComparison.Ordinal));
        return marked ?? lines.LastOrDefault() ?? $"exit code {ExitCode}";
    }
}

/// <summary>Runs other programs: no shell, no inherited PostgreSQL settings, English messages.</summary>
internal static class ProgramRunner
{
    /// <summary>Runs to the end, the time limit, or cancellation, which end the program and its children: not the latter of one that
    /// <paramref name="leavesServer"/>.</summary>
    public static async Task<CommandResult> RunAsync(
        string program, IReadOnlyList<string> arguments, CancellationToken ct, TimeSpan? limit = null, string? folder = null,
        bool leavesServer = false)
    {
        var start = new ProcessStartInfo(program)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            UseShellExecute = false,
            CreateNoWindow = true,
            WorkingDirectory = folder ?? (OperatingSystem.IsWindows() ? "" : "/"),
        };
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        CleanEnvironment(start.Environment);
        using var process = new Process { StartInfo = start };
        try
        {
            process.Start();
        }
        catch (Win32Exception e)
        {
            return new CommandResult(CommandResult.NotFound, "", $"{program}: {e.Message}");
        }

        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
        var errors = process.StandardError.ReadToEndAsync(CancellationToken.None);
        using var timer = CancellationTokenSource.CreateLinkedTokenSource(ct);
        timer.CancelAfter(limit ?? TimeSpan.FromMinutes(10));
        try
        {
            await WaitForExitAsync(process, timer.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: !leavesServer);
            // The pipes end with the last child: none of them still writes what the caller is about to delete.
            await Task.WhenAny(Task.WhenAll(output, errors), Task.Delay(TimeSpan.FromSeconds(2), CancellationToken.None));
            ct.ThrowIfCancellationRequested();
            return new CommandResult(CommandResult.TimedOut, "", $"{Path.GetFileName(program)} gave no result in {limit?.TotalSeconds:0} s");
        }

        // A server that outlives the program may have inherited its pipes (pg_ctl on Windows): then there is no end to read to.
        await Task.WhenAny(Task.WhenAll(output, errors), Task.Delay(TimeSpan.FromSeconds(2), ct));
        return new CommandResult(
            process.ExitCode, output.IsCompleted ? await output : "", errors.IsCompleted ? await errors : "");
    }

    /// <summary>The full path of a program that the PATH has, or null. Looks into the system folders too: a plain user's
    /// PATH often lacks sbin.</summary>
    public static string? Find(string program)
    {
        IEnumerable<string> folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator);
        if (!OperatingSystem.IsWindows())
        {
            folders = folders.Concat(["/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"]);
        }

        var name = OperatingSystem.IsWindows() ? program + ".exe" : program;
        return folders.Where(Path.IsPathRooted).Select(folder => Path.Combine(folder, name)).FirstOrDefault(File.Exists);
    }

    private static Task WaitForExitAsync(Process process, CancellationToken ct)
    {
        // Process.WaitForExitAsync waits for the pipes too; see above.
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        process.EnableRaisingEvents = true;
        process.Exited += (_, _) => ended.TrySetResult();
        if (process.HasExited)
        {
            ended.TrySetResult();
        }

        return ended.Task.WaitAsync(ct);
    }

    private static void CleanEnvironment(IDictionary<string, string?> environment)
    {
        // PGDATA, PGPORT, PGHOST and the like would lead our server's programs to another server.
        foreach (var name in environment.Keys.Where(static name => name.StartsWith("PG", StringComparison.OrdinalIgnoreCase)).ToList())
        {
            environment.Remove(name);
        }

        environment.Remove("LD_LIBRARY_PATH");
        environment.Remove("LD_PRELOAD");
        environment.Remove("LANGUAGE");
        environment["LC_ALL"] = "C";
    }
}
