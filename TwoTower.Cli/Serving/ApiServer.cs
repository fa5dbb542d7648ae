using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OpenTelemetry.Logs;
using TwoTower.Cli.Telemetry;
using TwoTower.Core;
using TwoTower.Web;
using TwoTower.Web.Hosting;

namespace TwoTower.Cli.Serving;

/// <summary>The API inside this process: the same application that <c>TwoTower.Api</c> runs.</summary>
internal sealed class ApiServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private ApiServer(WebApplication app, Uri address) => (_app, Address) = (app, address);

    public Uri Address { get; }

    /// <summary>Where a person reads about the API.</summary>
    public Uri Documentation => new(Address, "docs");

    /// <summary>Fails early, before long work, where the port is taken.</summary>
    /// <exception cref="InputException">It is.</exception>
    public static void RequireFree(string host, int port)
    {
        try
        {
            using var listener = new TcpListener(IPAddress.TryParse(host, out var address) ? address : IPAddress.Loopback, port);
            listener.Start();
        }
        catch (SocketException e) when (
            e.SocketErrorCode is SocketError.AddressAlreadyInUse or SocketError.AccessDenied or SocketError.AddressNotAvailable)
        {
            throw Taken(host, port, e);
        }
    }

    /// <summary>Starts it; requests are answered when this returns.</summary>
    /// <param name="connectionString">Its database.</param>
    /// <param name="host">Address to listen on.</param>
    /// <param name="port">0: a free one.</param>
    /// <param name="verbose">Whether it says more than warnings.</param>
    /// <param name="otlp">Receiver of telemetry.</param>
    /// <param name="ct">Stops the start.</param>
    /// <param name="settings">Settings that have the last word.</param>
    /// <exception cref="InputException">The port is in use.</exception>
    public static async Task<ApiServer> StartAsync(
        string connectionString, string host, int port, bool verbose, string? otlp, CancellationToken ct,
        IReadOnlyDictionary<string, string?>? settings = null)
    {
        var url = $"http://{host}:{port}";
        try
        {
            return await StartAsync(url, connectionString, verbose, otlp, settings, host, port, ct);
        }
        catch (Exception e) when (e is not InputException && StartFailure.Explain(e) is { } line)
        {
            throw new InputException(line, e);
        }
    }

    private static async Task<ApiServer> StartAsync(
        string url, string connectionString, bool verbose, string? otlp, IReadOnlyDictionary<string, string?>? settings, string host,
        int port, CancellationToken ct)
    {
        var app = ApiApplication.Create(["--urls", url, .. otlp is null ? [] : OtlpOption.Settings(otlp, "api")], builder =>
        {
            builder.Configuration.AddInMemoryCollection([new($"ConnectionStrings:{ApiApplication.ConnectionName}", connectionString), .. settings ?? new Dictionary<string, string?>()]);
            builder.Logging.ClearProviders().SetMinimumLevel(verbose ? LogLevel.Information : LogLevel.Warning);
            builder.Logging.AddSimpleConsole(console => console.SingleLine = true);
            builder.Logging.Services.Configure<Microsoft.Extensions.Logging.Console.ConsoleLoggerOptions>(
                console => console.LogToStandardErrorThreshold = LogLevel.Trace);

            // A receiver gets more than a terminal has room for, but neither each step of the framework nor addresses with users' ids.
            builder.Logging.AddFilter<OpenTelemetryLoggerProvider>(null, LogLevel.Information)
                .AddFilter<OpenTelemetryLoggerProvider>("Microsoft.AspNetCore", LogLevel.Warning)
                .AddFilter<OpenTelemetryLoggerProvider>("Microsoft.AspNetCore.Routing.EndpointMiddleware", LogLevel.Information)
                .AddFilter<OpenTelemetryLoggerProvider>("Npgsql", LogLevel.Warning);
            builder.Services.AddSingleton<IHostLifetime, NoSignals>();
        });
        try
        {
            await app.StartAsync(ct);
        }
        catch (IOException e) when (e.InnerException is AddressInUseException)
        {
            await app.DisposeAsync();
            throw Taken(host, port, e);
        }
        catch
        {
            await app.DisposeAsync();
            throw;
        }

        if (port == 0) return new(app, new Uri(app.Urls.First()));
        return new(app, new Uri(host is "0.0.0.0" or "*" or "::" ? $"http://localhost:{port}" : url));
    }

    /// <summary>Serves until it is stopped; requests in flight are finished.</summary>
    public async Task ServeAsync(CancellationToken ct)
    {
        var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using (ct.Register(stopped.SetResult))
        {
            await stopped.Task;
        }

        await _app.StopAsync(CancellationToken.None);
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private static InputException Taken(string host, int port, Exception inner) =>
        new($"port {port} on {host} is in use or not allowed: stop what listens there, or take another one with --port", inner);
}
