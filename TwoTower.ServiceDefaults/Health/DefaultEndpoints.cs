using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.Extensions.DependencyInjection;

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
        Map(app, "/health/live", HealthTags.Live);
        Map(app, "/health/ready", HealthTags.Ready);
        return app;
    }

    private static void Map(WebApplication app, string path, string tag) =>
        app.MapHealthChecks(path, new HealthCheckOptions
        {
            Predicate = check => check.Tags.Contains(tag),
            ResponseWriter = (context, report) =>
            {
                context.RequestServices.GetRequiredService<HealthChanges>().Note(report);
                return HealthReportJson.WriteAsync(context, report);
            },
        });
}
