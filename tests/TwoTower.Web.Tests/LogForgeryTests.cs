using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging;
using TwoTower.Testing;

namespace TwoTower.Web.Tests;

/// <summary>Nothing that a client sends makes a line of the log of its own.</summary>
public sealed class LogForgeryTests(PostgresFixture postgres)
{
    private const string Key = "an-operators-key-of-a-test", Forged = "warn: TwoTower[0] all is well";

    [Theory]
    [InlineData(LogLevel.Trace)]
    [InlineData(LogLevel.Information)]
    public async Task A_line_break_in_a_path_a_query_a_method_or_a_header_makes_no_line(LogLevel level)
    {
        await using var db = await postgres.CreateDatabaseAsync();
        using var log = new LogProvider();
        await using (var api = await ApiHost.StartAsync(
            db, new() { ["TwoTower:Api:OperatorKey"] = Key, ["Logging:LogLevel:Default"] = level.ToString(),
                ["Logging:LogLevel:Microsoft.AspNetCore"] = level.ToString() },
            builder => builder.Logging.ClearProviders().AddProvider(log)))
        {
            var text = Uri.EscapeDataString(Forged);
            foreach (var breaks in new[] { "%0A", "%0D%0A", "%0D", "%E2%80%A8", "%C2%85", "%0B" })
            {
                foreach (var target in new[]
                {
                    $"/nowhere/x{breaks}{text}", $"/v1/releases/x{breaks}{text}", $"/v1/users/x{breaks}{text}/recommendations",
                    $"/v1/users/{Guid.Empty}/recommendations?regions=x{breaks}{text}",
                    $"/v1/users/{Guid.Empty}/recommendations?x{breaks}{text}=1", $"/docs/x{breaks}{text}", $"/health/live?x{breaks}{text}",
                    $"/v1/experiments/x{breaks}{text}/stop",
                })
                {
                    await SendAsync(api,
                        $"GET {target} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {Key}\r\nConnection: close\r\n\r\n");
                    await SendAsync(api,
                        $"POST {target} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer x{breaks}{text}\r\n"
                        + "Content-Length: 0\r\nConnection: close\r\n\r\n");
                }
            }

            await SendAsync(api, $"GET /\nHTTP/1.1 {Forged}\r\nHost: localhost\r\n\r\n");
            await SendAsync(api, $"G\x0bET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: x\x0b{Forged}\r\nConnection: close\r\n\r\n");
            await SendAsync(api, $"GET / HTTP/1.1\r\nHost: evil\x0b{Forged}\r\nConnection: close\r\n\r\n");
        }

        var lines = log.Lines.Text;
        Assert.NotEmpty(lines);
        Assert.DoesNotContain(lines, line => line.Split('\n', '\r', '\u2028', '\u0085', '\u000b')
            .Any(part => part.StartsWith(Forged, StringComparison.Ordinal)));
    }

    private static async Task SendAsync(ApiHost api, string request)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(api.Address.Host, api.Address.Port);
        await client.GetStream().WriteAsync(Encoding.Latin1.GetBytes(request));
        client.Client.Shutdown(SocketShutdown.Send);
        try
        {
            using var reader = new StreamReader(client.GetStream(), Encoding.ASCII);
            await reader.ReadToEndAsync();
        }
        catch (IOException)
        {
            // The server has closed what it can't read.
        }
    }
}
