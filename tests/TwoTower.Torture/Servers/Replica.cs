using System.Diagnostics;
using TwoTower.Testing;

namespace TwoTower.Torture.Servers;

/// <summary>A process of the API, and a client of it.</summary>
internal sealed class Replica : IAsyncDisposable
{
    /// <summary>The operators' key of every replica here.</summary>
    public const string OperatorKey = "torture-operator-key";

    private static readonly Dictionary<string, string> Settings = new()
    {
        ["Logging__LogLevel__Default"] = "Warning",
        ["TwoTower__Api__OperatorKey"] = OperatorKey,
        ["TwoTower__Shutdown__DrainSeconds"] = "1", // a load balancer's time to hear of it
    };

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private Replica(ServiceProcess process, HttpClient client) => (Process, Client) = (process, client);

    public ServiceProcess Process { get; }

    public HttpClient Client { get; }

    /// <summary>Starts one and waits until it is ready.</summary>
    /// <exception cref="InvalidOperationException">It ended, or isn't ready in time.</exception>
    /// <param name="more">Further variables of its environment.</param>
    public static async Task<Replica> StartAsync(
        string connectionString, CancellationToken ct, params IEnumerable<(string Name, string Value)> more)
    {
        var environment = new Dictionary<string, string>(Settings);
        foreach (var (name, value) in more) environment[name] = value;
        var address = $"http://127.0.0.1:{FreePort.Next()}";
        var client = new HttpClient(new SocketsHttpHandler()) { BaseAddress = new Uri(address) };
        var replica = new Replica(ServiceProcess.Start("TwoTower.Api", connectionString, environment, "--urls", address), client);
        var started = Stopwatch.GetTimestamp();
        while (!await replica.IsReadyAsync(ct))
        {
            if (replica.Process.HasExited || Stopwatch.GetElapsedTime(started) > Patience)
            {
                await replica.DisposeAsync();
                throw new InvalidOperationException($"a replica didn't become ready:\n{replica.Process.LastLines}");
            }

            await Task.Delay(50, ct);
        }

        return replica;
    }

    /// <summary>Asks it to stop and waits for that: what it has begun to answer, it answers.</summary>
    public async Task StopAsync(CancellationToken ct)
    {
        Process.Terminate();
        await Process.ExitAsync(ct);
        await DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await Process.DisposeAsync();
        Client.Dispose();
    }

    private async Task<bool> IsReadyAsync(CancellationToken ct)
    {
        try
        {
            using var answer = await Client.GetAsync("/health/ready", ct);
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }
}
