using System.Net;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using TwoTower.Web.Problems;

namespace TwoTower.Web.Requests;

/// <summary>
/// Answers for its own names only. A page of another site can make its name lead to 127.0.0.1 (DNS rebinding), and then reads what a local
/// demo answers: a port that is open on loopback addresses only takes loopback names, unless <c>AllowedHosts</c> says which. Elsewhere a
/// gateway decides, and <c>AllowedHosts</c> where it is set.
/// </summary>
internal sealed class HostFilter(RequestDelegate next, IConfiguration configuration, IServer server, IProblemDetailsService problems)
{
    public const string Setting = "AllowedHosts";

    private readonly string[] _allowed =
        configuration[Setting]?.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [];

    // The server has its addresses once it has started, which it has when a request comes.
    private readonly Lazy<HashSet<int>> _loopbackPorts = new(() =>
        LoopbackPorts(server.Features.Get<IServerAddressesFeature>()?.Addresses ?? []));

    public Task InvokeAsync(HttpContext context)
    {
        var host = context.Request.Host.Host;
        if (host.Length == 0) return next(context); // HTTP/1.0, which no browser speaks
        var isServed = _allowed.Length > 0
            ? HostString.MatchesAny(host, [.. _allowed])
            : IsLoopback(host) || !_loopbackPorts.Value.Contains(context.Connection.LocalPort);
        if (isServed) return next(context);

        context.Response.StatusCode = StatusCodes.Status400BadRequest;
        return problems.WriteAsync(new()
        {
            HttpContext = context,
            ProblemDetails = ProblemKind.HostNotServed.With(_allowed.Length > 0
                ? $"Host '{host}' isn't one of {Setting}: ask for one that is, or add it."
                : $"Host '{host}' isn't a name of this machine's loopback address, the only one that this port is open on: "
                    + $"ask for localhost, or set {Setting} to the names to answer for."),
        }).AsTask();
    }

    /// <summary>The ports that are open on loopback addresses and on no other.</summary>
    internal static HashSet<int> LoopbackPorts(IEnumerable<string> addresses) =>
    [
        .. addresses.Select(BindingAddress.Parse).Where(address => address is { IsUnixPipe: false, IsNamedPipe: false })
            .GroupBy(address => address.Port).Where(port => port.All(address => IsLoopback(address.Host))).Select(port => port.Key),
    ];

    private static bool IsLoopback(string host)
    {
        var name = host.EndsWith('.') ? host[..^1] : host;
        return name.Equals("localhost", StringComparison.OrdinalIgnoreCase)
            || name.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase) // no name server has it (RFC 6761)
            || (IPAddress.TryParse(name.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address));
    }
}
