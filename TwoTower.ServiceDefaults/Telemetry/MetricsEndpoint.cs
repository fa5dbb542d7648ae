using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;

namespace TwoTower.ServiceDefaults.Telemetry;

/// <summary>Metrics that can be scraped.</summary>
internal static class MetricsEndpoint
{
    /// <summary>Maps <c>/metrics</c> where <see cref="TelemetryOptions.Prometheus"/> says so.</summary>
    public static WebApplication MapMetricsBySetting(this WebApplication app)
    {
        ArgumentNullException.ThrowIfNull(app);
        if (app.Configuration.GetSection(TelemetryOptions.Section).Get<TelemetryOptions>() is { Prometheus: true })
        {
            app.MapPrometheusScrapingEndpoint(TelemetryOptions.ScrapePath);
        }

        return app;
    }
}
