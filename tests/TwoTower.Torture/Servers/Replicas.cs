namespace TwoTower.Torture.Servers;

/// <summary>The replicas in rotation, as behind a load balancer.</summary>
internal sealed class Replicas : IAsyncDisposable
{
    private readonly string _connectionString;
    private readonly Replica[] _replicas;
    private int _next;

    private Replicas(string connectionString, Replica[] replicas) => (_connectionString, _replicas) = (connectionString, replicas);

    public int Count => _replicas.Length;

    /// <summary>Starts some and waits until all are ready.</summary>
    public static async Task<Replicas> StartAsync(string connectionString, int count, CancellationToken ct) =>
        new(connectionString, await Task.WhenAll(Enumerable.Range(0, count).Select(_ => Replica.StartAsync(connectionString, ct))));

    /// <summary>Whose turn it is.</summary>
    public Replica Next() => Volatile.Read(ref _replicas[(int)((uint)Interlocked.Increment(ref _next) % _replicas.Length)]);

    /// <summary>A certain one.</summary>
    public Replica At(int index) => Volatile.Read(ref _replicas[index]);

    /// <summary>A roll-out's step: the new one is ready before it gets requests, the old one gets none any more before it is
    /// stopped.</summary>
    public async Task ReplaceAsync(int index, CancellationToken ct)
    {
        var old = Interlocked.Exchange(ref _replicas[index], await Replica.StartAsync(_connectionString, ct));
        await old.StopAsync(ct);
    }

    /// <summary>An accident: killed while it is in rotation, and started again after that.</summary>
    public async Task KillAsync(int index, CancellationToken ct)
    {
        var old = At(index);
        await old.Process.KillAsync();
        Volatile.Write(ref _replicas[index], await Replica.StartAsync(_connectionString, ct));
        await old.DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var replica in _replicas) await replica.DisposeAsync();
    }
}
