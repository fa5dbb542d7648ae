using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;
using TwoTower.ServiceDefaults.Health;
using TwoTower.Testing;

namespace TwoTower.ServiceDefaults.Tests;

/// <summary>What the log says of the probes.</summary>
public sealed class HealthChangesTests
{
    [Fact]
    public async Task A_check_that_stays_degraded_is_one_line_and_its_recovery_another()
    {
        var log = new LogLines();
        var result = HealthCheckResult.Degraded("no release is active");
        await using var app = await StartAsync(log, () => result);
        using var client = new HttpClient { BaseAddress = new Uri(app.Urls.Single()) };

        for (var probe = 0; probe < 3; probe++) await client.GetStringAsync("/health/ready");
        var warning = Assert.Single(log.Of(LogLevel.Warning));
        Assert.Equal("Health check release is Degraded from now on: no release is active", warning);

        result = HealthCheckResult.Healthy();
        for (var probe = 0; probe < 2; probe++) await client.GetStringAsync("/health/ready");
        Assert.Single(log.Text, line => line == "Health check release is healthy again");

        Assert.Empty(log.Of(LogLevel.Error));
        var why = new InvalidOperationException("the connection was cut");
        result = HealthCheckResult.Unhealthy("gone", why);
        for (var probe = 0; probe < 2; probe++) await client.GetAsync("/health/ready");
        Assert.Equal("Health check release is Unhealthy from now on: gone", Assert.Single(log.Of(LogLevel.Error)));
        Assert.Same(why, Assert.Single(log.Exceptions));
        Assert.Equal([warning], log.Of(LogLevel.Warning));
    }

    [Fact]
    public async Task The_frameworks_line_at_every_probe_comes_back_by_a_setting()
    {
        var log = new LogLines();
        await using var app = await StartAsync(log, () => HealthCheckResult.Degraded("no release is active"), ("Microsoft.Extensions.Diagnostics.HealthChecks", "Warning"));
        using var client = new HttpClient { BaseAddress = new Uri(app.Urls.Single()) };

        for (var probe = 0; probe < 3; probe++) await client.GetStringAsync("/health/ready");

        Assert.Equal(4, log.Of(LogLevel.Warning).Count);
    }

    private static async Task<WebApplication> StartAsync(
        LogLines log, Func<HealthCheckResult> check, params (string Category, string Level)[] levels)
    {
        var builder = WebApplication.CreateBuilder(["--urls", "http://127.0.0.1:0"]);
        builder.Logging.ClearProviders();
        builder.Configuration.AddInMemoryCollection(levels.Select(one => KeyValuePair.Create($"Logging:LogLevel:{one.Category}", (string?)one.Level)));
        builder.AddServiceDefaults();
#pragma warning disable CA2000 // the host disposes its providers
        builder.Logging.AddProvider(new Provider(log));
#pragma warning restore CA2000
        builder.Services.AddHealthChecks().AddCheck("release", check, [HealthTags.Ready]);
        var app = builder.Build();
        app.MapDefaultEndpoints();
        await app.StartAsync();
        return app;
    }

    private sealed class Provider(ILogger log) : ILoggerProvider
    {
        public ILogger CreateLogger(string categoryName) => log;

        public void Dispose()
        {
        }
    }
}
