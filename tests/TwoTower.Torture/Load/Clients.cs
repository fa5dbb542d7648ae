using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text;
using TwoTower.Torture.Servers;

namespace TwoTower.Torture.Load;

/// <summary>Clients that ask for recommendations, each one after the other, on the replica whose turn it is.</summary>
internal sealed class Clients(Replicas replicas, IReadOnlyList<Guid> viewers, int clients, int seed)
{
    /// <summary>Videos asked for.</summary>
    public const int Limit = 10;

    private readonly ConcurrentQueue<Exchange> _exchanges = [];
    private int _left;

    /// <summary>What was answered so far.</summary>
    public IReadOnlyCollection<Exchange> Exchanges => _exchanges;

    /// <summary>Asks until a number of requests is answered, or until told to stop.</summary>
    public async Task RunAsync(int requests, CancellationToken stop)
    {
        _left = requests;
        await Task.WhenAll(
            Enumerable.Range(0, clients).Select(
                client => Task.Run(() => AskAsync(new Random((seed * 1000) + client), stop), CancellationToken.None)));
    }

    /// <summary>One request.</summary>
    public static async Task<Exchange> AskAsync(HttpClient client, Guid viewer)
    {
        var asked = Stopwatch.GetTimestamp();
        try
        {
            using var answer = await client.GetAsync($"/v1/users/{viewer}/recommendations?limit={Limit}");
            var body = await answer.Content.ReadAsByteArrayAsync();
            var isProblem = answer.Content.Headers.ContentType?.MediaType == "application/problem+json" && answer.Headers.RetryAfter?.Delta is not null;
            return new(viewer, asked, Stopwatch.GetTimestamp(), (int)answer.StatusCode, body, isProblem);
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException or IOException)
        {
            return new(viewer, asked, Stopwatch.GetTimestamp(), 0, Encoding.UTF8.GetBytes(e.Message), false);
        }
    }

    private async Task AskAsync(Random random, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested && Interlocked.Decrement(ref _left) >= 0)
        {
            var exchange = await AskAsync(replicas.Next().Client, viewers[random.Next(viewers.Count)]);
            _exchanges.Enqueue(exchange);

            // A client that got no answer waits a little, if not as long as it was told to.
            if (exchange.Status != 200) await Task.Delay(20, CancellationToken.None);
        }
    }
}
