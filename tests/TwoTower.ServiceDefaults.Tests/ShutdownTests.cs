using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
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
        var time = new FakeTimeProvider();
        await using var app = await StartAsync(drainSeconds: 5, time: time);
        using var client = new HttpClient { BaseAddress = new Uri(app.Urls.Single()) };
        app.Lifetime.StopApplication();
        var stopping = app.WaitForShutdownAsync();

        var ready = await client.GetAsync("/health/ready");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, ready.StatusCode);
        Assert.Contains("the process is stopping", await ready.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal("hello", await client.GetStringAsync("/hello"));
        Assert.False(stopping.IsCompleted);

        // Again and again: the drain may begin after the first.
        while (!stopping.IsCompleted)
        {
            time.Advance(TimeSpan.FromSeconds(5));
            await Task.WhenAny(stopping, Task.Delay(20));
        }

        await stopping;
        await Assert.ThrowsAsync<HttpRequestException>(() => client.GetAsync("/hello"));
    }

    [Fact]
    public async Task A_running_request_is_finished_before_the_process_ends()
    {
        var (begun, end) = (Gate(), Gate());
        await using var app = await StartAsync(drainSeconds: 0, slow: async () =>
        {
            begun.SetResult();
            await end.Task;
            return "done";
        });
        using var client = new HttpClient { BaseAddress = new Uri(app.Urls.Single()), Timeout = Timeout.InfiniteTimeSpan };
        var slow = client.GetStringAsync("/slow");
        await begun.Task;
        var stopping = app.StopAsync();
        Assert.True(app.Lifetime.ApplicationStopping.IsCancellationRequested);
        Assert.False(stopping.IsCompleted);
        end.SetResult();
        Assert.Equal("done", await slow);
        await stopping;

        static TaskCompletionSource Gate() => new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    private static async Task<WebApplication> StartAsync(int drainSeconds, TimeProvider? time = null, Func<Task<string>>? slow = null)
    {
        var builder = WebApplication.CreateBuilder(["--urls", "http://127.0.0.1:0"]);
        builder.Logging.ClearProviders();
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["TwoTower:Shutdown:DrainSeconds"] = $"{drainSeconds}",
            ["TwoTower:Shutdown:TimeoutSeconds"] = "600", // of the wall's clock: a busy machine gets all it needs
        });
        if (time is not null) builder.Services.AddSingleton(time);
        builder.AddServiceDefaults();
        var app = builder.Build();
        app.MapDefaultEndpoints();
        app.MapGet("/hello", () => "hello");
        if (slow is not null) app.MapGet("/slow", slow);
        await app.StartAsync();
        return app;
    }
}
