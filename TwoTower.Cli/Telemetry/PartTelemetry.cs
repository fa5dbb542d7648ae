using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using TwoTower.Cli.Hosting;
using TwoTower.ServiceDefaults;

namespace TwoTower.Cli.Telemetry;

/// <summary>
/// Traces, metrics and logs of one part of a run, under the name that the part has as a process of its own: the parts of a demo run
/// in one process and look like a deployment. Sent over OTLP to --otlp or OTEL_EXPORTER_OTLP_ENDPOINT, else nothing is set up. What is
/// still to be sent goes out when the part ends. One part at a time: a part sees every source of ours.
/// </summary>
internal sealed class PartTelemetry : IAsyncDisposable
{
    private readonly IHost? _host;

    private PartTelemetry(IHost? host) => _host = host;

    /// <summary>The part's log; of nobody without a receiver.</summary>
    public ILogger Log => _host?.Services.GetRequiredService<ILogger<PartTelemetry>>() ?? (ILogger)NullLogger.Instance;

    public static async Task<PartTelemetry> StartAsync(Session session, string part)
    {
        if (OtlpOption.Endpoint(session.Parse) is not { } endpoint)
        {
            return new(null);
        }

        var builder = Host.CreateEmptyApplicationBuilder(settings: null);
        builder.Configuration.AddEnvironmentVariables().AddCommandLine(OtlpOption.Settings(endpoint, part));
        builder.AddServiceDefaults();
        builder.Services.AddOpenTelemetry()
            .WithTracing(tracing => tracing.AddNpgsql())
            .WithMetrics(metrics => metrics.AddNpgsqlInstrumentation());
        builder.Services.AddSingleton<IHostLifetime, NoSignals>();
        var host = builder.Build();
        await host.StartAsync(session.Stop);
        return new(host);
    }

    public async ValueTask DisposeAsync()
    {
        if (_host is null)
        {
            return;
        }

        await _host.StopAsync(CancellationToken.None);
        _host.Dispose();
    }
}
