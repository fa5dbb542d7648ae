using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace TwoTower.Testing;

/// <summary>The edge functions of supabase/functions in a process of Deno's, which ends with this.</summary>
internal sealed class EdgeProcess : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly ConcurrentQueue<string> _log = new();
    private readonly TemporaryFolder _folder;
    private readonly Process _process;

    private EdgeProcess(TemporaryFolder folder, Process process)
    {
        (_folder, _process) = (folder, process);
        process.ErrorDataReceived += (_, line) => _log.Enqueue(line.Data ?? "");
        process.BeginErrorReadLine();
    }

    /// <summary>Asks it; addresses are the functions' names.</summary>
    public HttpClient Http { get; } = new() { Timeout = Patience };

    /// <summary>What the functions wrote to their log so far.</summary>
    public string Log => string.Join('\n', _log);

    /// <summary>Deno's process: what was started is a script of npm's that starts it.</summary>
    public int Id { get; private set; }

    /// <summary>CPU that it took so far, in seconds. On Linux.</summary>
    public double CpuSeconds
    {
        get
        {
            // The name, in parentheses, may hold spaces. User time is the 14th field, system time the 15th, in hundredths of a second.
            var text = File.ReadAllText($"/proc/{Id}/stat");
            var fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');
            return (long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture)) / 100.0;
        }
    }

    /// <summary>The most memory that it had, in MB. On Linux.</summary>
    public double PeakMegabytes
    {
        get
        {
            var line = File.ReadLines($"/proc/{Id}/status").First(line => line.StartsWith("VmHWM:", StringComparison.Ordinal));
            return double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024;
        }
    }

    /// <summary>How Deno runs a script of tests/supabase. jose comes from the folder of the tools, not from npm's registry: nothing of a
    /// network is needed.</summary>
    public static ProcessStartInfo Deno(NpmTools tools, TemporaryFolder folder, string script)
    {
        var map = Path.Combine(folder.Path, "import_map.json");
        File.WriteAllText(
            map,
            JsonSerializer.Serialize(
                new { imports = new { jose = new Uri(tools.PathOf("jose", "dist", "webapi", "index.js")).AbsoluteUri } }));
        return tools.Start(
            "deno", "run", "--quiet", "--no-config", "--no-remote", "--no-npm", "--import-map", map, "--allow-env", "--allow-net=127.0.0.1",
            Path.Combine(PostgresFixture.RepositoryRoot(), "tests", "supabase", script));
    }

    /// <summary>Runs a script of tests/supabase: what it writes as JSON for what it reads.</summary>
    public static async Task<JsonElement> RunAsync(NpmTools tools, string script, string input)
    {
        using var folder = new TemporaryFolder();
        using var process = Process.Start(Deno(tools, folder, script))!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(5));
        return process.ExitCode == 0 ? JsonElement.Parse(await output) : throw new InvalidOperationException($"{script}: {await error}");
    }

    /// <summary>Starts them, and returns when they listen.</summary>
    /// <param name="environment">Variables; null: not set.</param>
    public static async Task<EdgeProcess> StartAsync(NpmTools tools, IReadOnlyDictionary<string, string?> environment)
    {
        var folder = new TemporaryFolder();
        var start = Deno(tools, folder, "serve.ts");
        foreach (var (name, value) in environment)
        {
            if (value is null) start.Environment.Remove(name);
            else start.Environment[name] = value;
        }

        var edge = new EdgeProcess(folder, Process.Start(start)!);
        using var patience = new CancellationTokenSource(Patience);
        var first = await edge._process.StandardOutput.ReadLineAsync(patience.Token);
        if (first?.StartsWith("port ", StringComparison.Ordinal) != true)
        {
            await edge.DisposeAsync();
            throw new InvalidOperationException($"The edge functions don't start: {first}\n{edge.Log}");
        }

        var said = first.Split(' ');
        edge.Id = int.Parse(said[2], CultureInfo.InvariantCulture);
        edge.Http.BaseAddress = new($"http://127.0.0.1:{said[1]}/functions/v1/");
        return edge;
    }

    public async ValueTask DisposeAsync()
    {
        _process.StandardInput.Close();
        using (var patience = new CancellationTokenSource(Patience))
        {
            try
            {
                await _process.WaitForExitAsync(patience.Token);
            }
            catch (OperationCanceledException)
            {
                _process.Kill(entireProcessTree: true);
            }
        }

        _process.Dispose();
        Http.Dispose();
        _folder.Dispose();
    }
}
