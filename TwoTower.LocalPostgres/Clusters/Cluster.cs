using System.Diagnostics;
using System.Globalization;
using TwoTower.LocalPostgres.Machine;
using TwoTower.LocalPostgres.Servers;

namespace TwoTower.LocalPostgres.Clusters;

/// <summary>A database cluster of our own: made by initdb, started and stopped by pg_ctl.</summary>
internal sealed class Cluster(StateFolder folder, PostgresPrograms programs, ServerUser user)
{
    private string Data => Path.Combine(folder.Server, $"data-{programs.Major}");

    private string Log => Path.Combine(folder.Server, "log");

    /// <summary>The major versions that this Home has data of.</summary>
    public static IReadOnlyList<int> MajorsOf(StateFolder folder) => !Directory.Exists(folder.Server)
        ? []
        : [.. Directory.EnumerateDirectories(folder.Server, "data-*").Select(static path => Path.GetFileName(path)["data-".Length..])
            .Where(static text => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out _))
            .Select(static text => int.Parse(text, CultureInfo.InvariantCulture))];

    /// <summary>Makes the cluster where absent and starts it; the state is written before the server is, so that a run that is
    /// cut off leaves a server that the next one finds.</summary>
    /// <returns>The port on 127.0.0.1.</returns>
    public async Task<int> StartAsync(int? wantedPort, int? rememberedPort, Action<string> say, CancellationToken ct)
    {
        await CreateAsync(say, ct);
        if (RunningPort() is { } running)
        {
            folder.Write(new ServerState { Port = running, Programs = programs.Folder });
            await WaitAsync(running, ct);
            return running;
        }

        for (var attempt = 1; ; attempt++)
        {
            var port = Ports.Choose(wantedPort, attempt == 1 ? rememberedPort : null);
            folder.Write(new ServerState { Port = port, Programs = programs.Folder });
            var settings = ServerSettings.ForThisMachine().Concat(ServerSettings.Listening(port)).Select(static setting => "-c " + setting);
            var result = await user.RunAsync(
                programs.Path("pg_ctl"),
                ["start", "-D", Data, "-l", Log, "-w", "-t", "120", "-s", "-o", string.Join(' ', settings)],
                ct, TimeSpan.FromSeconds(150), leavesServer: true);
            if (result.Succeeded)
            {
                return port;
            }

            // A port can be taken between the look and the start; the children of a killed server need a moment to go.
            if (attempt == 5)
            {
                throw new LocalPostgresException($"PostgreSQL doesn't start: {LastLogLine() ?? result.Reason()} (its log: {Log})");
            }

            await Task.Delay(TimeSpan.FromMilliseconds(500 * attempt), ct);
        }
    }

    /// <summary>Stops the server where it runs.</summary>
    public async Task<bool> StopAsync(CancellationToken ct)
    {
        if (RunningPort() is null)
        {
            return false;
        }

        var result = await user.RunAsync(
            programs.Path("pg_ctl"), ["stop", "-D", Data, "-m", "fast", "-w", "-t", "60", "-s"], ct, TimeSpan.FromSeconds(90));
        return result.Succeeded
            ? true
            : throw new LocalPostgresException($"PostgreSQL doesn't stop: {result.Reason()} (its log: {Log})");
    }

    private async Task CreateAsync(Action<string> say, CancellationToken ct)
    {
        if (Directory.Exists(Data))
        {
            return;
        }

        Directory.CreateDirectory(folder.Server);
        await user.GiveAsync(folder.Server, ct);
        foreach (var unfinished in Directory.EnumerateDirectories(folder.Server, "new-*"))
        {
            Directory.Delete(unfinished, recursive: true);
        }

        say($"creating a database cluster in {folder.Server}");
        var fresh = Path.Combine(folder.Server, $"new-{Guid.NewGuid():n}");
        var password = Path.Combine(folder.Root, "initdb-password");
        try
        {
            StateFolder.WriteSecret(password, folder.Password());
            await user.GiveAsync(password, ct);
            List<string> arguments =
                ["-D", fresh, "-U", "twotower", "-A", "scram-sha-256", $"--pwfile={password}", "-E", "UTF8", "--data-checksums", .. Locale()];
            var result = await user.RunAsync(programs.Path("initdb"), arguments, ct, TimeSpan.FromMinutes(3));
            if (!result.Succeeded)
            {
                throw new LocalPostgresException($"initdb of {programs.Folder} fails: {result.Reason()}");
            }

            // Only a finished cluster gets its name.
            Directory.Move(fresh, Data);
        }
        finally
        {
            File.Delete(password);
        }
    }

    /// <summary>Code-point order and Unicode letters everywhere, whatever the machine's locale is.</summary>
    private string[] Locale()
    {
        if (programs.Major >= 17)
        {
            return ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"];
        }

        return OperatingSystem.IsLinux() ? ["--locale=C.UTF-8"]
            : OperatingSystem.IsMacOS() ? ["--locale=C", "--lc-ctype=UTF-8"]
            : ["--locale=C"];
    }

    /// <summary>The port of the server that holds the data folder; a pid file whose process is gone, or is another program
    /// by now (after a reboot), is removed, because PostgreSQL itself refuses to start over the latter.</summary>
    private int? RunningPort()
    {
        var file = Path.Combine(Data, "postmaster.pid");
        if (!File.Exists(file))
        {
            return null;
        }

        var lines = File.ReadAllLines(file);
        if (lines.Length >= 4
            && int.TryParse(lines[0], NumberStyles.None, CultureInfo.InvariantCulture, out var pid)
            && int.TryParse(lines[3], NumberStyles.None, CultureInfo.InvariantCulture, out var port)
            && IsPostgres(pid))
        {
            return port;
        }

        File.Delete(file);
        return null;
    }

    private bool IsPostgres(int pid)
    {
        try
        {
            var commandLine = $"/proc/{pid}/cmdline";
            if (File.Exists(commandLine))
            {
                return File.ReadAllText(commandLine).Contains(Data, StringComparison.Ordinal);
            }

            using var process = Process.GetProcessById(pid);
            return process.ProcessName.StartsWith("postgres", StringComparison.OrdinalIgnoreCase);
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException or IOException)
        {
            return false;
        }
    }

    private async Task WaitAsync(int port, CancellationToken ct)
    {
        for (var attempt = 0; attempt < 120; attempt++)
        {
            if (await ServerProbe.AnswersAsync(port, folder.Password(), ct))
            {
                return;
            }

            if (RunningPort() is null)
            {
                break;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(500), ct);
        }

        throw new LocalPostgresException($"the PostgreSQL in {Data} runs but doesn't let twotower in: {LastLogLine()} (its log: {Log})");
    }

    private string? LastLogLine() => File.Exists(Log)
        ? File.ReadLines(Log).LastOrDefault(static line => line.Contains("FATAL", StringComparison.Ordinal)) : null;
}
