using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Configuration.Memory;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;
using TwoTower.Core;
using TwoTower.ServiceDefaults.Health;

namespace TwoTower.ServiceDefaults.Telemetry;

/// <summary>Traces, metrics and logs. The names of our own sources and meters are in <c>docs/telemetry.md</c>.</summary>
internal static class TelemetryExtensions
{
    /// <summary>All of our activity sources and meters begin with this; both registrations take wildcards.</summary>
    private const string OurSources = "TwoTower.*";

    private const string Endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";

    private const string QueueFullMode = "Logging:Console:QueueFullMode";

    // Each request and each SQL command as a log line would be a second, worse trace. The lowest of the settings' sources: whoever
    // wants them says so in any other.
    private static readonly Dictionary<string, string?> LogLevels = new()
    {
        ["Logging:LogLevel:Microsoft.AspNetCore"] = "Warning",
        ["Logging:LogLevel:Microsoft.EntityFrameworkCore"] = "Warning",
        [$"Logging:LogLevel:{HealthChanges.FrameworkLog}"] = "None",
        ["Logging:LogLevel:Npgsql.Command"] = "Warning",
        ["Logging:LogLevel:Polly"] = "Warning",
        ["Logging:LogLevel:System.Net.Http.HttpClient"] = "Warning",
    };

    public static void AddTelemetry(this IHostApplicationBuilder builder)
    {
        builder.Configuration.Sources.Insert(0, new MemoryConfigurationSource { InitialData = LogLevels });
        builder.Services.AddSingleton<ConsoleFormatter, OneLineFormatter>();
        builder.Services.PostConfigure<ConsoleLoggerOptions>(console =>
        {
            if (console.FormatterName is null or ConsoleFormatterNames.Simple) console.FormatterName = OneLineFormatter.FormatterName;

            // Whoever reads the output may stand still. Then lines are left out, and how many is said; otherwise each thread that has
            // something to log would wait for the reader, and soon nobody would be left to answer.
            if (builder.Configuration[QueueFullMode] is null) console.QueueFullMode = ConsoleLoggerQueueFullMode.DropWrite;
        });
        builder.Logging.AddOpenTelemetry(logging =>
        {
            logging.IncludeFormattedMessage = true;
            logging.IncludeScopes = true;
        });

        var telemetry = builder.Services.AddOpenTelemetry()
            .WithMetrics(metrics => metrics
                .AddMeter(OurSources)
                .AddAspNetCoreInstrumentation()
                .AddHttpClientInstrumentation()
                .AddRuntimeInstrumentation())
            .WithTracing(tracing => tracing
                .AddSource(OurSources, builder.Environment.ApplicationName)
                // A probe every few seconds would bury the traces of requests.
                .AddAspNetCoreInstrumentation(options =>
                {
                    options.Filter = context => !IsProbe(context.Request.Path);
                    options.EnrichWithHttpResponse = HideIds;
                })
                .AddHttpClientInstrumentation());

        if (builder.Configuration.GetSection(TelemetryOptions.Section).Get<TelemetryOptions>() is { Prometheus: true })
        {
            telemetry.WithMetrics(metrics => metrics.AddPrometheusExporter());
        }

        // The exporter reads the endpoint, headers and protocol from the standard variables itself.
        if (builder.Configuration[Endpoint] is { } endpoint && !string.IsNullOrWhiteSpace(endpoint))
        {
            // The exporter would take its default instead, and say so to nobody.
            if (!Uri.TryCreate(endpoint, UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https"))
            {
                throw new InputException($"{Endpoint} is '{endpoint}', which isn't an address such as http://127.0.0.1:4317.");
            }

            telemetry.UseOtlpExporter();
        }
    }

    // A path has the user's id in it, and a trace goes to more people than the database: the route says as much about the request.
    private static void HideIds(Activity span, HttpResponse response)
    {
        if (response.HttpContext.GetEndpoint() is RouteEndpoint { RoutePattern: { RawText: { } route, Parameters.Count: > 0 } })
        {
            span.SetTag("url.path", route);
        }
    }

    private static bool IsProbe(PathString path) => path.StartsWithSegments("/health", StringComparison.Ordinal)
        || path.StartsWithSegments(TelemetryOptions.ScrapePath, StringComparison.Ordinal);
}
