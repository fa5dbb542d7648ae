using System.Diagnostics;
using System.Runtime.InteropServices;

namespace TwoTower.Torture.Servers;

/// <summary>One of our programs as a process of its own. Killed when disposed.</summary>
internal sealed class ServiceProcess : IAsyncDisposable
{
    private const int Sigterm = 15, LinesKept = 30;
    private readonly Process _process;
    private readonly Queue<string> _lines = [];

    private ServiceProcess(string name, Process process)
    {
        (Name, _process) = (name, process);
        _process.OutputDataReceived += (_, line) => Keep(line.Data);
        _process.ErrorDataReceived += (_, line) => Keep(line.Data);
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>The program: TwoTower.Api.</summary>
    public string Name { get; }

    public bool HasExited => _process.HasExited;

    /// <summary>The last lines that it wrote.</summary>
    public string LastLines
    {
        get
        {
            lock (_lines) return string.Join('\n', _lines);
        }
    }

    /// <summary>Starts a program of this build on a database.</summary>
    public static ServiceProcess Start(
        string name, string connectionString, IReadOnlyDictionary<string, string> settings, params IEnumerable<string> args)
    {
        var start = new ProcessStartInfo("dotnet")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Path.GetTempPath(),
        };
        start.ArgumentList.Add(PathOf(name));
        foreach (var arg in args) start.ArgumentList.Add(arg);
        start.Environment["ConnectionStrings__twotower"] = connectionString;
        foreach (var (key, value) in settings) start.Environment[key] = value;
        return new(name, new Process { StartInfo = start });
    }

    /// <summary>kill -9.</summary>
    public async Task KillAsync()
    {
        if (!_process.HasExited) _process.Kill();
        await _process.WaitForExitAsync();
    }

    /// <summary>Asks it to stop, as an orchestrator does.</summary>
    public void Terminate()
    {
        if (!_process.HasExited && SendSignal(_process.Id, Sigterm) != 0 && !_process.HasExited)
        {
            throw new InvalidOperationException($"kill -TERM {_process.Id} failed");
        }
    }

    /// <summary>Its exit code, when it has ended.</summary>
    public async Task<int> ExitAsync(CancellationToken ct)
    {
        await _process.WaitForExitAsync(ct);
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        _process.Dispose();
    }

    // Each from its own folder: it brings what its own framework has not, and no more.
    private static string PathOf(string name)
    {
        var output = new DirectoryInfo(AppContext.BaseDirectory); // …/tests/TwoTower.Torture/bin/Release/net10.0
        var root = output;
        while (root is not null && !File.Exists(Path.Combine(root.FullName, "TwoTower.sln"))) root = root.Parent;
        return root is null
            ? throw new InvalidOperationException($"no TwoTower.sln above {AppContext.BaseDirectory}")
            : Path.Combine(root.FullName, name, "bin", output.Parent!.Name, output.Name, $"{name}.dll");
    }

    [DllImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int SendSignal(int pid, int signal);

    private void Keep(string? line)
    {
        if (line is null) return;
        lock (_lines)
        {
            _lines.Enqueue(line);
            if (_lines.Count > LinesKept) _lines.Dequeue();
        }
    }
}
