using System.Diagnostics;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using TwoTower.Fuzz;
using TwoTower.ServiceDefaults.Commands;
using TwoTower.Testing;

namespace TwoTower.Web.Tests;

/// <summary><c>./twotower fuzz</c> as the process that a person starts: its report and its exit code.</summary>
public sealed class FuzzCommandTests(PostgresFixture postgres)
{
    private const string Key = "an-operators-key-of-a-test";

    [Fact]
    public async Task Fifty_requests_to_an_API_of_its_own_find_nothing_and_the_report_is_JSON()
    {
        var (exitCode, report, errors) = await RunAsync("--requests", "50", "--clients", "2", "--json");

        Assert.True(report.ValueKind == JsonValueKind.Object, errors);
        Assert.Equal((50, 1), (report.GetProperty("requests").GetInt32(), report.GetProperty("seed").GetInt32()));
        Assert.Equal(50, report.GetProperty("statuses").EnumerateObject().Sum(status => status.Value.GetInt32()));
        Assert.True(report.GetProperty("memoryIsFlat").GetBoolean());
        Assert.Equal(4, report.GetProperty("memoryMb").GetArrayLength()); // after each quarter: 12, 24, 36, 48 of them
        Assert.All(report.GetProperty("memoryMb").EnumerateArray(), megabytes => Assert.InRange(megabytes.GetInt64(), 20, 20_000));

        // A machine that is busy may be slow, and no more.
        var faults = report.GetProperty("findings").EnumerateArray().Select(finding => finding.GetProperty("fault").GetString()!).ToList();
        Assert.All(faults, fault => Assert.StartsWith("took ", fault, StringComparison.Ordinal));
        Assert.Equal(faults.Count == 0 ? ExitCodes.Success : ExitCodes.Failure, exitCode);
    }

    [Fact]
    public async Task An_API_that_fails_is_exit_code_1_with_the_request_and_its_answer()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        await TestReleases.LoadGoldenAsync(db);
        await TestReleases.ActivateAsync(db, TestCheckpoints.Random());
        await using var api = await ApiHost.StartAsync(
            db, new() { ["TwoTower:Api:OperatorKey"] = Key }, builder => builder.Services.AddSingleton<IStartupFilter, Faults>());

        var (exitCode, report, errors) = await RunAsync("--requests", "40", "--url", api.Address.ToString(), "--json");

        Assert.True((exitCode, report.ValueKind) == (ExitCodes.Failure, JsonValueKind.Object), $"{exitCode}: {errors}");
        Assert.Contains(
            report.GetProperty("findings").EnumerateArray(),
            finding => finding.GetProperty("request").GetString()!.Contains("/v1/decisions", StringComparison.Ordinal)
                && finding.GetProperty("fault").GetString()!.StartsWith("500", StringComparison.Ordinal));
        Assert.Equal(0, report.GetProperty("memoryMb").GetArrayLength()); // of a process of somebody else nothing is known
        Assert.Contains("40 of 40 requests answered", errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(20_000, true, new long[] { 200, 210, 290, 300 })]  // half as much again is the bound
    [InlineData(20_000, false, new long[] { 200, 210, 290, 301 })]
    [InlineData(20_000, true, new long[] { 200, 900, 900, 200 })]  // what matters is the end
    [InlineData(9_999, true, new long[] { 200, 210, 290, 900 })]   // too few to tell a leak from a start
    [InlineData(20_000, true, new long[] { 200 })]
    [InlineData(20_000, true, new long[0])]
    public void Memory_is_flat_by_what_there_is_at_the_end(int requests, bool isFlat, long[] megabytes) =>
        Assert.Equal(isFlat, FuzzCommand.IsFlat(megabytes, requests));

    private static async Task<(int ExitCode, JsonElement Report, string Errors)> RunAsync(params string[] args)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "twotower-fuzz.dll"), .. args])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment[FuzzCommand.KeyVariable] = Key;
        using var process = Process.Start(start)!;
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(10));
        try
        {
            var said = process.StandardOutput.ReadToEndAsync(patience.Token);
            var errors = process.StandardError.ReadToEndAsync(patience.Token);
            await process.WaitForExitAsync(patience.Token);

            // A server that has to be started first says so before the report.
            var text = await said;
            var begin = text.IndexOf('{');
            return (process.ExitCode, begin < 0 ? default : JsonElement.Parse(text[begin..]), text + await errors);
        }
        finally
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
        }
    }

    /// <summary>An API that fails at one of its operations.</summary>
    private sealed class Faults : IStartupFilter
    {
        public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
        {
            app.Use((HttpContext context, RequestDelegate rest) =>
            {
                if (context.Request.Path != "/v1/decisions") return rest(context);
                context.Response.StatusCode = 500;
                return Task.CompletedTask;
            });
            next(app);
        };
    }
}
