using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;

namespace TwoTower.Api.Tests;

/// <summary>Nothing that a client sends makes a line of the log of its own.</summary>
public sealed partial class LogForgeryTests
{
    private const string Key = "an-operators-key-of-a-test", Forged = "warn: TwoTower[0] all is well";

    [Theory]
    [InlineData("Trace", "simple")]
    [InlineData("Information", "simple")]
    [InlineData("Trace", "json")]
    public async Task A_line_break_in_a_path_a_query_a_method_or_a_header_makes_no_line(string level, string formatter)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "TwoTower.Api.dll"), "--urls",
            "http://127.0.0.1:0"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
        };
        foreach (var (name, value) in new[]
        {
            ("ConnectionStrings__twotower", "Host=127.0.0.1;Port=1;Username=x;Database=x"), ("TwoTower__Api__OperatorKey", Key),
            ("Logging__LogLevel__Default", level), ("Logging__LogLevel__Microsoft.AspNetCore", level),
            ("Logging__LogLevel__Microsoft.Hosting.Lifetime", "Information"), ("Logging__Console__FormatterName", formatter),
        })
        {
            start.Environment[name] = value;
        }

        using var process = Process.Start(start)!;
        var output = new StringBuilder();
        var listening = new TaskCompletionSource<Uri>(TaskCreationOptions.RunContinuationsAsynchronously);
        var reading = ReadAsync(process.StandardOutput, output, listening);
        var errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        var address = await listening.Task.WaitAsync(TimeSpan.FromMinutes(2), TestContext.Current.CancellationToken);
        var text = Uri.EscapeDataString(Forged);
        foreach (var breaks in new[] { "%0A", "%0D%0A", "%0D", "%E2%80%A8", "%C2%85", "%0B" })
        {
            foreach (var target in Targets(breaks + text))
            {
                await SendAsync(address,
                    $"GET {target} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {Key}\r\nConnection: close\r\n\r\n");
            }
        }

        await SendAsync(address,
            $"POST /v1/releases/rollback HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer x\x0b{Forged}\r\nContent-Length: 0\r\n\r\n");
        await SendAsync(address, $"GET /\nHTTP/1.1 {Forged}\r\nHost: localhost\r\n\r\n");
        await SendAsync(address, $"G\x0bET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: x\x0b{Forged}\r\nConnection: close\r\n\r\n");
        await SendAsync(address, $"GET / HTTP/1.1\r\nHost: evil\x0b{Forged}\r\nConnection: close\r\n\r\n");
        await Task.Delay(TimeSpan.FromSeconds(1), TestContext.Current.CancellationToken); // the console writes behind
        process.Kill();
        await reading;
        await errors;

        // What was sent was logged, in lines of its own making.
        Assert.Contains("all is well", output.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain(
            output.ToString().Split('\n', '\r', '\u2028', '\u0085', '\u000b'), line => line.TrimStart()
                .StartsWith(Forged, StringComparison.Ordinal));
    }

    private static IEnumerable<string> Targets(string text) =>
    [
        $"/nowhere/x{text}", $"/v1/releases/x{text}", $"/v1/users/x{text}/recommendations",
        $"/v1/users/{Guid.Empty}/recommendations?regions=x{text}",
        $"/v1/users/{Guid.Empty}/recommendations?x{text}=1", $"/docs/x{text}", $"/health/live?x{text}", $"/v1/experiments/x{text}/stop",
    ];

    private static async Task ReadAsync(StreamReader from, StringBuilder to, TaskCompletionSource<Uri> listening)
    {
        var buffer = new char[4096];
        while (await from.ReadAsync(buffer) is > 0 and var read)
        {
            to.Append(buffer, 0, read);
            if (!listening.Task.IsCompleted && Listening().Match(to.ToString()) is { Success: true } match)
            {
                listening.TrySetResult(new(match.Groups[1].Value));
            }
        }

        listening.TrySetException(new InvalidOperationException($"it ended: {to}"));
    }

    [GeneratedRegex(@"Now listening on: (http://127\.0\.0\.1:\d+)")]
    private static partial Regex Listening();

    private static async Task SendAsync(Uri address, string request)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(address.Host, address.Port);
        await using var stream = client.GetStream();
        try
        {
            await stream.WriteAsync(Encoding.Latin1.GetBytes(request));
            client.Client.Shutdown(SocketShutdown.Send);
            using var reader = new StreamReader(stream, Encoding.ASCII);
            await reader.ReadToEndAsync();
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            // The server has closed what it can't read.
        }
    }
}
