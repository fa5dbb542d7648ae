using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using TwoTower.ServiceDefaults.Health;
using TwoTower.ServiceDefaults.Telemetry;

namespace TwoTower.ServiceDefaults;

/// <summary>What every process of TwoTower has in common, added in one line.</summary>
internal static class ServiceDefaultsExtensions
{
    /// <summary>
    /// Adds telemetry (sent over OTLP when <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> is set), the liveness check, service discovery,
    /// resilience of every <see cref="HttpClient"/>, a shutdown that lets running requests end, and <see cref="TimeProvider"/>.
    /// </summary>
    public static TBuilder AddServiceDefaults<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        ArgumentNullException.ThrowIfNull(builder);

        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.AddTelemetry();
        // Npgsql tells of every command as information; traces have them already. Logging:LogLevel:Npgsql.Command brings them back.
        builder.Logging.AddFilter("Npgsql", LogLevel.Warning);
        builder.AddGracefulShutdown();
        builder.Services.AddSingleton<HealthChanges>();
        builder.Services.AddSingleton<ReadyProbe>();
        builder.Services.AddHealthChecks().AddCheck("process", () => HealthCheckResult.Healthy(), [HealthTags.Live]);

        builder.Services.AddServiceDiscovery();
        builder.Services.ConfigureHttpClientDefaults(http =>
        {
            http.AddStandardResilienceHandler();
            http.AddServiceDiscovery();
        });
        return builder;
    }
}
