using System.Diagnostics;
using System.Net;
using TwoTower.Testing;

namespace TwoTower.Api.Tests;

/// <summary>A reader of the log that stands still: a container's log driver on a full disk, a terminal that is paused.</summary>
public sealed class StalledLogTests
{
    [Fact]
    public async Task It_holds_up_no_request()
    {
        var ct = TestContext.Current.CancellationToken;
        var address = $"http://127.0.0.1:{FreePort.Next()}";
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "TwoTower.Api.dll"), "--urls", address])
        {
            RedirectStandardOutput = true, // and nobody reads it
        };
        start.Environment["ConnectionStrings__twotower"] = "Host=127.0.0.1;Port=1;Username=x;Database=x";
        start.Environment["Logging__LogLevel__Default"] = start.Environment["Logging__LogLevel__Microsoft.AspNetCore"] = "Trace";
        using var process = Process.Start(start)!;
        try
        {
            using var client = new HttpClient { BaseAddress = new(address), Timeout = TimeSpan.FromMinutes(2) };
            var started = Stopwatch.GetTimestamp();
            while (!await AnswersAsync(client, ct)) Assert.True(Stopwatch.GetElapsedTime(started) < TimeSpan.FromMinutes(2), "it didn't start");

            // Each is ten lines and more: the pipe and the queue of 2,500 lines are full long before the end.
            for (var i = 0; i < 2_000; i++) Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/health/live", ct)).StatusCode);
        }
        finally
        {
            process.Kill();
        }
    }

    private static async Task<bool> AnswersAsync(HttpClient client, CancellationToken ct)
    {
        try
        {
            return (await client.GetAsync("/health/live", ct)).IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            await Task.Delay(50, ct);
            return false;
        }
    }
}
