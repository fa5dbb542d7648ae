using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace TwoTower.ServiceDefaults.Health;

/// <summary>The endpoints that every web process has.</summary>
internal static class DefaultEndpoints
{
    /// <summary>
    /// Maps <c>/health/live</c> (the process only) and <c>/health/ready</c> (what it needs). Both answer
    /// <c>{"status": …, "checks": {name: {"status", "description"}}}</c>; 200 when healthy or degraded, 503 when not.
    /// </summary>
    public static WebApplication MapDefaultEndpoints(this WebApplication app)
    {
        ArgumentNullException.ThrowIfNull(app);
        app.MapHealthChecks("/health/live", new HealthCheckOptions
        {
            Predicate = check => check.Tags.Contains(HealthTags.Live),
            ResponseWriter = (context, report) =>
            {
                context.RequestServices.GetRequiredService<HealthChanges>().Note(report);
                return HealthReportJson.WriteAsync(context, report);
            },
        });
        app.Map("/health/ready", AnswerReadyAsync).WithDisplayName("Ready");
        return app;
    }

    private static async Task AnswerReadyAsync(HttpContext context)
    {
        var report = await context.RequestServices.GetRequiredService<ReadyProbe>().AskAsync(context.RequestAborted);
        context.Response.StatusCode = report.Status == HealthStatus.Unhealthy
            ? StatusCodes.Status503ServiceUnavailable
            : StatusCodes.Status200OK;
        context.Response.Headers.CacheControl = "no-store, no-cache";
        await HealthReportJson.WriteAsync(context, report);
    }
}
