using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace TwoTower.Api.Tests;

/// <summary>The API as a process of its own.</summary>
public sealed class StartTests
{
    private const string Somewhere = "Host=127.0.0.1;Port=1;Username=x;Database=x";

    [Fact]
    public async Task A_port_in_use_ends_the_start_with_one_line_and_exit_code_2()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;
        var (code, output) = await RunAsync(["--urls", $"http://127.0.0.1:{port}"], ("ConnectionStrings__twotower", Somewhere));
        Assert.Equal(2, code);
        Assert.Contains($"127.0.0.1:{port}", output, StringComparison.Ordinal);
        Assert.Contains("--urls", output, StringComparison.Ordinal);
        Assert.Single(output.Trim().Split('\n'));
    }

    [Fact]
    public async Task A_missing_connection_string_is_told_with_the_paths_that_were_read()
    {
        var (code, output) = await RunAsync([]);
        Assert.Equal(2, code);
        Assert.Contains("ConnectionStrings:twotower", output, StringComparison.Ordinal);
        Assert.Contains("ConnectionStrings__twotower", output, StringComparison.Ordinal);
        Assert.Single(output.Trim().Split('\n'));
    }

    [Theory]
    [InlineData("TwoTower__Api__StatisticsRefreshSeconds", "-1", "StatisticsRefreshSeconds")]
    [InlineData("TwoTower__Recommendation__LeastCandidates", "501", "LeastCandidates")]
    [InlineData("TwoTower__Shutdown__DrainSeconds", "9999", "DrainSeconds")]
    public async Task A_setting_out_of_range_ends_the_start_with_its_name(string variable, string value, string name)
    {
        var (code, output) = await RunAsync(["--urls", "http://127.0.0.1:0"], ("ConnectionStrings__twotower", Somewhere), (variable, value));
        Assert.Equal(2, code);
        Assert.Contains(name, output, StringComparison.Ordinal);
        Assert.Single(output.Trim().Split('\n'));
    }

    [Theory]
    [InlineData("TwoTower__Api__Docs", "perhaps", "TwoTower:Api:Docs is 'perhaps', which isn't true or false")]
    [InlineData("TwoTower__Api__MaxBundleMb", "many", "TwoTower:Api:MaxBundleMb is 'many', which isn't a whole number")]
    [InlineData("TwoTower__Api__MaxBundleMb", "99999999999999",
        "TwoTower:Api:MaxBundleMb is '99999999999999', which isn't a whole number in its range")]
    [InlineData("TwoTower__Limits__Deadline", "soon", "TwoTower:Limits:Deadline is 'soon', which isn't a time such as 00:00:05")]
    [InlineData("TwoTower__Limits__ConcurrentRequests", "1.5", "TwoTower:Limits:ConcurrentRequests is '1.5'")]
    [InlineData("TwoTower__Gate__Margin", "little", "TwoTower:Gate:Margin is 'little', which isn't a number")]
    [InlineData("TwoTower__Recommendation__AsOf", "today",
        "TwoTower:Recommendation:AsOf is 'today', which isn't a time such as 2026-01-20T18:30:00Z")]
    [InlineData("TwoTower__Telemetry__Prometheus", "1", "TwoTower:Telemetry:Prometheus is '1', which isn't true or false")]
    [InlineData("TwoTower__Shutdown__DrainSeconds", "", "TwoTower:Shutdown:DrainSeconds is ''")]
    [InlineData("TwoTower__Operators__alice", "short", "TwoTower:Operators:alice: the key must be 16 to 512")]
    [InlineData("TwoTower__Api__CorsOrigins", "app.example", "CorsOrigins must be * or origins")]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT", "not an address",
        "OTEL_EXPORTER_OTLP_ENDPOINT is 'not an address', which isn't an address such as http://127.0.0.1:4317.")]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4317", "OTEL_EXPORTER_OTLP_ENDPOINT is 'localhost:4317'")]
    [InlineData("ASPNETCORE_URLS", "nonsense", "nonsense")]
    [InlineData("ASPNETCORE_URLS", "https://127.0.0.1:0", "certificate")]
    [InlineData("ASPNETCORE_URLS", "http://192.0.2.1:5080", "--urls")]
    [InlineData("ConnectionStrings__twotower", "Host=127.0.0.1;Port=soon", "")]
    [InlineData("ConnectionStrings__twotower", "Host=127.0.0.1;Prot=1", "")]
    [InlineData("ConnectionStrings__twotower", "nonsense", "")]
    public async Task Any_setting_that_cannot_be_used_is_one_line_and_exit_code_2(string variable, string value, string expected)
    {
        var (code, output) = await RunAsync(
            variable == "ASPNETCORE_URLS" ? [] : ["--urls", "http://127.0.0.1:0"],
            [("ConnectionStrings__twotower", Somewhere), (variable, value)]);
        Assert.True(code == 2, $"{code}: {output}");
        Assert.Contains(expected, output, StringComparison.Ordinal);
        Assert.Single(output.Trim().Split('\n'));
        Assert.DoesNotContain("   at ", output, StringComparison.Ordinal);
        Assert.DoesNotContain("System.", output, StringComparison.Ordinal);
    }

    private static async Task<(int Code, string Output)> RunAsync(string[] arguments, params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardError = true, RedirectStandardOutput = true };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "TwoTower.Api.dll"));
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        start.Environment.Remove("ConnectionStrings__twotower");
        foreach (var (name, value) in environment) start.Environment[name] = value;
        using var process = Process.Start(start)!;
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        try
        {
            var error = process.StandardError.ReadToEndAsync(patience.Token);
            await process.StandardOutput.ReadToEndAsync(patience.Token);
            await process.WaitForExitAsync(patience.Token);
            return (process.ExitCode, await error);
        }
        finally
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
        }
    }
}
