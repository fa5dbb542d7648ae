using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using TwoTower.ServiceDefaults.Health;

namespace TwoTower.ServiceDefaults.Tests;

/// <summary>How a web process answers its probes, and ends.</summary>
public sealed class ShutdownTests
{
    [Fact]
    public async Task A_process_alone_is_alive_and_ready()
    {
        await using var app = await StartAsync(drainSeconds: 0);
        using var client = new HttpClient { BaseAddress = new Uri(app.Urls.Single()) };
        foreach (var probe in new[] { "/health/live", "/health/ready" })
        {
            var answer = await client.GetAsync(probe);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            Assert.Equal("application/json", answer.Content.Headers.ContentType?.MediaType);
            Assert.StartsWith("""{"status":"healthy","checks":{""", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task While_it_drains_it_says_that_it_is_not_ready_and_goes_on_answering()
    {
        await using var app = await StartAsync(drainSeconds: 3);
        using var client = new HttpClient { BaseAddress = new Uri(app.Urls.Single()) };
        app.Lifetime.StopApplication();
        var stopping = app.WaitForShutdownAsync();

        var ready = await client.GetAsync("/health/ready");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, ready.StatusCode);
        Assert.Contains("the process is stopping", await ready.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal("hello", await client.GetStringAsync("/hello"));
        await stopping;
        await Assert.ThrowsAsync<HttpRequestException>(() => client.GetAsync("/hello"));
    }

    [Fact]
    public async Task A_running_request_is_finished_before_the_process_ends()
    {
        await using var app = await StartAsync(drainSeconds: 0);
        using var client = new HttpClient { BaseAddress = new Uri(app.Urls.Single()) };
        var slow = client.GetStringAsync("/slow");
        await Task.Delay(300);
        await app.StopAsync();
        Assert.Equal("done", await slow);
    }

    private static async Task<WebApplication> StartAsync(int drainSeconds)
    {
        var builder = WebApplication.CreateBuilder(["--urls", "http://127.0.0.1:0"]);
        builder.Logging.ClearProviders();
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?> { ["TwoTower:Shutdown:DrainSeconds"] = $"{drainSeconds}" });
        builder.AddServiceDefaults();
        var app = builder.Build();
        app.MapDefaultEndpoints();
        app.MapGet("/hello", () => "hello");
        app.MapGet("/slow", async () =>
        {
            await Task.Delay(1_000);
            return "done";
        });
        await app.StartAsync();
        return app;
    }
}
