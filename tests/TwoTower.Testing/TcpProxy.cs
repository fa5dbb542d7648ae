using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace TwoTower.Testing;

/// <summary>The network between a process and its server, on a port of its own: it can be cut, or fall silent, and come back.</summary>
internal sealed class TcpProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentDictionary<TcpClient, bool> _open = new();
    private readonly IPEndPoint _server;
    private readonly Task _accepting;
    private volatile TaskCompletionSource? _silence;
    private volatile bool _cut;
    private int _refused;

    private TcpProxy(IPEndPoint server)
    {
        _server = server;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    /// <summary>Where to connect to.</summary>
    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Waits until so many connections came while it was cut.</summary>
    public async Task RefusedAsync(int connections)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(5));
        while (Volatile.Read(ref _refused) < connections) await Task.Delay(50, patience.Token);
    }

    /// <summary>A proxy before 127.0.0.1:<paramref name="port"/>.</summary>
    public static TcpProxy Before(int port) => new(new(IPAddress.Loopback, port));

    /// <summary>Closes every connection, and each new one at once.</summary>
    public void Cut()
    {
        _cut = true;
        foreach (var client in _open.Keys) client.Dispose();
    }

    /// <summary>Nothing gets through, and nobody is told: as with a firewall that has forgotten the connections.</summary>
    public void FallSilent() => _silence = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>New connections work again; those that fell silent are closed.</summary>
    public void Restore()
    {
        foreach (var client in _open.Keys) client.Dispose();
        _cut = false;
        Interlocked.Exchange(ref _silence, null)?.TrySetResult();
    }

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        Cut();
        Interlocked.Exchange(ref _silence, null)?.TrySetResult();
        await _accepting;
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true) _ = CarryAsync(await _listener.AcceptTcpClientAsync());
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Stopped.
        }
    }

    private async Task CarryAsync(TcpClient client)
    {
        using var server = new TcpClient();
        _open.TryAdd(client, true);
        _open.TryAdd(server, true);
        try
        {
            if (_cut)
            {
                Interlocked.Increment(ref _refused);
                return;
            }

            await server.ConnectAsync(_server);
            await Task.WhenAny(CopyAsync(client, server), CopyAsync(server, client));
        }
        catch (Exception e) when (e is SocketException or IOException or ObjectDisposedException)
        {
            // One side is gone: so is the other.
        }
        finally
        {
            client.Dispose();
            _open.TryRemove(client, out _);
            _open.TryRemove(server, out _);
        }
    }

    private async Task CopyAsync(TcpClient from, TcpClient to)
    {
        var buffer = new byte[1 << 16];
        try
        {
            while (await from.GetStream().ReadAsync(buffer) is var read and > 0)
            {
                if (_silence is { } silence) await silence.Task;
                await to.GetStream().WriteAsync(buffer.AsMemory(0, read));
            }
        }
        catch (Exception e) when (e is SocketException or IOException or ObjectDisposedException or InvalidOperationException)
        {
            // Closed.
        }
    }
}
