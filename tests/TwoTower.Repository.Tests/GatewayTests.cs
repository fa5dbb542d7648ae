using System.Diagnostics;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace TwoTower.Repository.Tests;

/// <summary>The gateway's configuration on the page of security, in nginx.</summary>
public sealed class GatewayTests : IDisposable
{
    private static readonly string? Nginx = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Append("/usr/sbin")
        .Select(folder => Path.Combine(folder, "nginx")).FirstOrDefault(File.Exists);

    private readonly string _folder = Directory.CreateTempSubdirectory("twotower-gateway-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task The_sample_is_one_that_nginx_takes()
    {
        Assert.SkipWhen(Nginx is null, "no nginx on the PATH");
        using (var process = Start(Sample(), "-t"))
        {
            var output = await process.StandardError.ReadToEndAsync();
            await process.WaitForExitAsync();
            Assert.True(process.ExitCode == 0, output);
        }

        // A fault would be found.
        using (var process = Start(Sample().Replace("auth_request_set $user", "auth_request_set user", StringComparison.Ordinal), "-t"))
        {
            var output = await process.StandardError.ReadToEndAsync();
            await process.WaitForExitAsync();
            Assert.True(process.ExitCode != 0 && output.Contains("user", StringComparison.Ordinal), output);
        }
    }

    [Theory]
    [InlineData("user", "ada", "ada")]
    [InlineData("address", "ada", "bob")]
    public async Task Who_asks_too_often_is_refused_by_user_and_by_address(string limit, string first, string second)
    {
        Assert.SkipWhen(Nginx is null, "no nginx on the PATH");

        // Of the limit in question one request a minute and none in advance, of the other more than the test asks for. Behind the gateway
        // answer a service that takes the token for the user, and one that tells what it was asked.
        var sample = Sample()
            .Replace($"zone={limit} burst=20", $"zone={limit}", StringComparison.Ordinal)
            .Replace("rate=10r/s", limit == "address" ? "rate=1r/m" : "rate=1000r/s", StringComparison.Ordinal)
            .Replace("rate=2r/s", limit == "user" ? "rate=1r/m" : "rate=1000r/s", StringComparison.Ordinal)
            + $$"""

            server {
                listen unix:{{_folder}}/auth.sock;
                location / {
                    if ($http_authorization = "") { return 401; }
                    add_header X-User-Id $http_authorization;
                    return 204;
                }
            }
            server {
                listen unix:{{_folder}}/api.sock;
                location / { return 200 "$request_uri $http_host $http_x_user_id"; }
            }
            """;
        using var process = Start(sample, "-g", "daemon off; master_process off;");
        try
        {
            using var client = new HttpClient(new SocketsHttpHandler
            {
                ConnectCallback = async (_, ct) =>
                {
                    var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                    await socket.ConnectAsync(new UnixDomainSocketEndPoint(Path.Combine(_folder, "front.sock")), ct);
                    return new NetworkStream(socket, ownsSocket: true);
                },
                SslOptions = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = (_, shown, _, _) => shown?.Subject == "CN=localhost" },
            });
            async Task<(HttpStatusCode Status, string Text)> AskAsync(string? user, string path = "recommendations?limit=5")
            {
                using var request = new HttpRequestMessage(HttpMethod.Get, $"https://videos.example/{path}");
                if (user is not null) request.Headers.TryAddWithoutValidation("Authorization", user);
                request.Headers.Add("X-User-Id", "somebody-else");
                using var answer = await client.SendAsync(request);
                return (answer.StatusCode, await answer.Content.ReadAsStringAsync());
            }

            while (!File.Exists(Path.Combine(_folder, "nginx.pid")))
            {
                Assert.False(process.HasExited, "nginx didn't start");
                await Task.Delay(20);
            }

            Assert.Equal((HttpStatusCode.OK, $"/v1/users/{first}/recommendations?limit=5 videos.example "), await AskAsync(first));
            Assert.Equal(HttpStatusCode.TooManyRequests, (await AskAsync(second)).Status);
            Assert.Equal(limit == "user" ? HttpStatusCode.OK : HttpStatusCode.TooManyRequests, (await AskAsync("carol")).Status);
            Assert.Equal(limit == "user" ? HttpStatusCode.Unauthorized : HttpStatusCode.TooManyRequests, (await AskAsync(null)).Status);
            Assert.Equal(HttpStatusCode.NotFound, (await AskAsync("ada", "v1/users/bob/recommendations")).Status);
        }
        finally
        {
            process.Kill();
            await process.WaitForExitAsync();
        }
    }

    // The names of the page are those of another network, and nginx looks them up.
    private string Sample() => RepositoryFiles.Read("docs/security.md").Split("```nginx\n")[1].Split("```")[0]
        .Replace("server api:5080", $"server unix:{_folder}/api.sock", StringComparison.Ordinal)
        .Replace("server auth:8080", $"server unix:{_folder}/auth.sock", StringComparison.Ordinal)
        .Replace("listen 443 ssl", $"listen unix:{_folder}/front.sock ssl", StringComparison.Ordinal)
        .Replace("unix:/run/", $"unix:{_folder}/", StringComparison.Ordinal)
        .Replace("/etc/nginx/tls/", _folder + "/", StringComparison.Ordinal);

    private Process Start(string sample, params string[] arguments)
    {
        WriteCertificate();
        var file = Path.Combine(_folder, "nginx.conf");
        File.WriteAllText(file, $"pid {_folder}/nginx.pid;\nevents {{}}\nhttp {{\naccess_log off;\n{sample}\n}}\n");
        return Process.Start(new ProcessStartInfo(Nginx!, ["-e", "stderr", "-p", _folder, "-c", file, .. arguments])
        {
            RedirectStandardError = true,
        })!;
    }

    private void WriteCertificate()
    {
        using var key = RSA.Create(2048);
        using var certificate = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
            .CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(100));
        File.WriteAllText(Path.Combine(_folder, "cert.pem"), certificate.ExportCertificatePem());
        File.WriteAllText(Path.Combine(_folder, "key.pem"), key.ExportPkcs8PrivateKeyPem());
    }
}
