using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;

namespace TwoTower.Testing;

/// <summary>The built <c>twotower</c> as a process of its own, as a person runs it. Killed when disposed.</summary>
public sealed class TwotowerProcess : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);
    private readonly Process _process;
    private readonly StringBuilder _out = new(), _err = new();
    private readonly List<(Func<string, bool> Wanted, TaskCompletionSource<string> Line)> _waiting = [];
    private readonly Lock _gate = new();

    static TwotowerProcess() => CtrlC.Hear();

    private TwotowerProcess(Process process)
    {
        _process = process;
        _process.OutputDataReceived += (_, line) => Add(_out, line.Data);
        _process.ErrorDataReceived += (_, line) => Add(_err, line.Data);
        _process.Exited += (_, _) => Ended();
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>Starts it. <paramref name="environment"/> comes on top of this process's; a null value removes a variable.</summary>
    /// <param name="folder">Where it runs; null: in the folder of temporary files, as others do.</param>
    public static TwotowerProcess Start(
        IEnumerable<string> args, IReadOnlyDictionary<string, string?>? environment = null, string? folder = null) =>
        Start("twotower.dll", args, environment, folder);

    /// <summary>Starts another of the programs that the tests' output folder has.</summary>
    public static TwotowerProcess Start(
        string program, IEnumerable<string> args, IReadOnlyDictionary<string, string?>? environment = null, string? folder = null)
    {
        var start = new ProcessStartInfo("dotnet")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            WorkingDirectory = folder ?? Path.GetTempPath(),
        };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, program));
        foreach (var arg in args) start.ArgumentList.Add(arg);
        foreach (var name in new[] { "TWOTOWER_DATABASE", "ConnectionStrings__twotower" }) start.Environment.Remove(name);
        foreach (var (name, value) in environment ?? new Dictionary<string, string?>())
        {
            if (value is null) start.Environment.Remove(name);
            else start.Environment[name] = value;
        }

        return new(new Process { StartInfo = start, EnableRaisingEvents = true });
    }

    /// <summary>Runs it to its end.</summary>
    public static async Task<TwotowerResult> RunAsync(IReadOnlyDictionary<string, string?>? environment, params string[] args)
    {
        await using var process = Start(args, environment);
        return await process.ExitAsync();
    }

    /// <summary>Runs it to its end.</summary>
    public static Task<TwotowerResult> RunAsync(params string[] args) => RunAsync(null, args);

    /// <summary>Waits for a line of either stream that is wanted, also one that has been there.</summary>
    public Task<string> LineAsync(Func<string, bool> wanted)
    {
        lock (_gate)
        {
            var there = $"{_out}{_err}".Split('\n').FirstOrDefault(line => line.Length > 0 && wanted(line));
            if (there is not null) return Task.FromResult(there);
            var line = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiting.Add((wanted, line));
            return line.Task.WaitAsync(Patience);
        }
    }

    /// <summary>Its process id.</summary>
    public int Id => _process.Id;

    /// <summary>Whether it has come to its end.</summary>
    public bool HasEnded => _process.HasExited;

    /// <summary>Presses Ctrl-C.</summary>
    public void Interrupt() => Signal(2);

    /// <summary>Kills it at once, without a chance to tidy up.</summary>
    public void Kill() => Signal(9);

    /// <summary>Waits for its end.</summary>
    public async Task<TwotowerResult> ExitAsync()
    {
        using var patience = new CancellationTokenSource(Patience);
        await _process.WaitForExitAsync(patience.Token);
        lock (_gate) return new(_process.ExitCode, _out.ToString(), _err.ToString());
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
    }

    [DllImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int KillProcess(int pid, int signal);

    private void Signal(int signal)
    {
        if (KillProcess(_process.Id, signal) != 0) throw new InvalidOperationException($"kill -{signal} {_process.Id} failed");
    }

    private void Add(StringBuilder text, string? line)
    {
        if (line is null) return;
        lock (_gate)
        {
            text.Append(line).Append('\n');
            foreach (var (wanted, waiting) in _waiting.Where(one => one.Wanted(line)).ToArray()) waiting.TrySetResult(line);
        }
    }

    private void Ended()
    {
        // Its last lines are read by now or in a moment; who still waits after that waits in vain.
        _process.WaitForExit();
        lock (_gate)
        {
            foreach (var (_, waiting) in _waiting)
            {
                waiting.TrySetException(new InvalidOperationException($"twotower ended with {_process.ExitCode} before that line:\n{_out}\n{_err}"));
            }
        }
    }
}

/// <summary>How a run of <c>twotower</c> ended.</summary>
public sealed record TwotowerResult(int ExitCode, string Out, string Err)
{
    /// <summary>Standard error, line by line.</summary>
    public IReadOnlyList<string> ErrorLines => Err.Split('\n', StringSplitOptions.RemoveEmptyEntries);
}
