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
