using System.Net;
using System.Net.Sockets;

namespace TwoTower.LocalPostgres.Machine;

/// <summary>Ports on 127.0.0.1.</summary>
internal static class Ports
{
    /// <summary>The wanted port, which must be free; else the remembered one where it is free; else any free one.</summary>
    public static int Choose(int? wanted, int? remembered)
    {
        if (wanted is { } port)
        {
            return IsFree(port) ? port : throw new LocalPostgresException($"port {port} on 127.0.0.1 is in use: name another, or none and a free one is taken");
        }

        if (remembered is { } last && IsFree(last))
        {
            return last;
        }

        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static bool IsFree(int port)
    {
        try
        {
            using var listener = new TcpListener(IPAddress.Loopback, port);
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
