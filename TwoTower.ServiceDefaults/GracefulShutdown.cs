using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using TwoTower.ServiceDefaults.Health;

namespace TwoTower.ServiceDefaults;

/// <summary>How a process ends: settings section <c>TwoTower:Shutdown</c>.</summary>
public sealed class ShutdownOptions
{
    /// <summary>Where the settings are read from.</summary>
    public const string Section = "TwoTower:Shutdown";

    /// <summary>
    /// Seconds between the signal and the first refused connection, so that a load balancer that has just been told stops sending
    /// first. 0 (nothing in front) by default; 5 suits Kubernetes.
    /// </summary>
    [Range(0, 300)]
    public int DrainSeconds { get; set; }

    /// <summary>Seconds that running requests and jobs then get to end; Kubernetes kills after 30 in all.</summary>
    [Range(1, 600)]
    public int TimeoutSeconds { get; set; } = 20;
}

[OptionsValidator]
internal sealed partial class ShutdownOptionsValidator : IValidateOptions<ShutdownOptions>;

/// <summary>Readiness fails as soon as the process is told to stop, and the server goes on answering for the drain time.</summary>
internal sealed class GracefulShutdown(IHostApplicationLifetime lifetime, IOptions<ShutdownOptions> options, TimeProvider time)
    : IHostedLifecycleService, IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(lifetime.ApplicationStopping.IsCancellationRequested
            ? HealthCheckResult.Unhealthy("the process is stopping")
            : HealthCheckResult.Healthy());

    // Runs before any service is stopped, the web server included.
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        if (options.Value.DrainSeconds > 0)
        {
            await Task.Delay(TimeSpan.FromSeconds(options.Value.DrainSeconds), time, cancellationToken)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}

internal static class GracefulShutdownExtensions
{
    public static void AddGracefulShutdown(this IHostApplicationBuilder builder)
    {
        builder.Services.AddOptions<ShutdownOptions>().BindConfiguration(ShutdownOptions.Section).ValidateOnStart();
        builder.Services.AddSingleton<IValidateOptions<ShutdownOptions>, ShutdownOptionsValidator>();
        builder.Services.AddOptions<HostOptions>().Configure<IOptions<ShutdownOptions>>((host, shutdown) =>
            host.ShutdownTimeout = TimeSpan.FromSeconds(shutdown.Value.DrainSeconds + shutdown.Value.TimeoutSeconds));
        builder.Services.AddSingleton<GracefulShutdown>();
        builder.Services.AddHostedService(services => services.GetRequiredService<GracefulShutdown>());
        builder.Services.AddHealthChecks().Add(new HealthCheckRegistration(
            "shutdown", services => services.GetRequiredService<GracefulShutdown>(), HealthStatus.Unhealthy, [HealthTags.Ready]));
    }
}
