using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using TwoTower.ServiceDefaults.Health;

namespace TwoTower.ServiceDefaults.Tests;

/// <summary>How many probes are under way, whoever asks.</summary>
public sealed class ReadyProbeTests
{
    private readonly TaskCompletionSource<HealthCheckResult> _result = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _asked = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _probes;
    private bool _wasCancelled;

    [Fact]
    public async Task All_who_ask_at_the_same_time_share_a_probe_which_nobody_who_leaves_cancels()
    {
        await using var app = await StartAsync(TimeProvider.System);
        var probe = app.Services.GetRequiredService<ReadyProbe>();
        using var leave = new CancellationTokenSource();
        var leaving = probe.AskAsync(leave.Token);
        var staying = Enumerable.Range(0, 20).Select(_ => probe.AskAsync(CancellationToken.None)).ToList();
        await _asked.Task;
        await leave.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => leaving);
        _result.SetResult(HealthCheckResult.Healthy());
        Assert.All(await Task.WhenAll(staying), report => Assert.Equal(HealthStatus.Healthy, report.Status));
        Assert.Equal((1, false), (_probes, _wasCancelled));

        // Those who come once it is over get a new one.
        using var client = new HttpClient { BaseAddress = new(app.Urls.Single()) };
        await client.GetStringAsync("/health/ready");
        Assert.Equal(2, _probes);
    }

    [Fact]
    public async Task Whoever_asks_while_a_probe_hangs_is_told_so_in_time_and_no_other_is_begun()
    {
        var time = new FakeTimeProvider();
        await using var app = await StartAsync(time);
        var probe = app.Services.GetRequiredService<ReadyProbe>();
        for (var round = 0; round < 3; round++)
        {
            var asking = Enumerable.Range(0, 20).Select(_ => probe.AskAsync(CancellationToken.None)).ToList();
            await _asked.Task;
            Assert.All(asking, one => Assert.False(one.IsCompleted));
            time.Advance(ReadyProbe.Patience);
            foreach (var report in await Task.WhenAll(asking))
            {
                Assert.Equal(HealthStatus.Unhealthy, report.Status);
                Assert.Contains("no answer within 5 s", Assert.Single(report.Entries).Value.Description, StringComparison.Ordinal);
            }
        }

        Assert.Equal(1, _probes);
        _result.SetResult(HealthCheckResult.Healthy());
        using var client = new HttpClient { BaseAddress = new(app.Urls.Single()) };
        Assert.Contains("\"release\"", await client.GetStringAsync("/health/ready"), StringComparison.Ordinal);
    }

    private async Task<WebApplication> StartAsync(TimeProvider time)
    {
        var builder = WebApplication.CreateBuilder(["--urls", "http://127.0.0.1:0"]);
        builder.Logging.ClearProviders();
        builder.AddServiceDefaults();
        builder.Services.Replace(ServiceDescriptor.Singleton(time));
        builder.Services.AddHealthChecks().AddAsyncCheck("release", async stop =>
        {
            Interlocked.Increment(ref _probes);
            _asked.TrySetResult();
            await using var registration = stop.Register(() => _wasCancelled = true);
            return await _result.Task;
        }, [HealthTags.Ready]);
        var app = builder.Build();
        app.MapDefaultEndpoints();
        await app.StartAsync();
        return app;
    }
}
