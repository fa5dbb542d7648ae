using System.Diagnostics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace TwoTower.Repository.Tests;

/// <summary>The gateway's configuration on the page of security, as nginx reads it.</summary>
public class GatewayTests
{
    [Fact]
    public async Task The_sample_is_one_that_nginx_takes()
    {
        var nginx = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Append("/usr/sbin")
            .Select(folder => Path.Combine(folder, "nginx")).FirstOrDefault(File.Exists);
        Assert.SkipWhen(nginx is null, "no nginx on the PATH");
        var sample = RepositoryFiles.Read("docs/security.md").Split("```nginx\n")[1].Split("```")[0];
        var folder = Directory.CreateTempSubdirectory("twotower-gateway-").FullName;
        try
        {
            WriteCertificate(folder);
            var (code, output) = await CheckAsync(nginx, folder, sample);
            Assert.True(code == 0, output);

            // A fault would be found.
            (code, output) = await CheckAsync(nginx, folder, sample.Replace("auth_request_set $user", "auth_request_set user",
            StringComparison.Ordinal));
            Assert.True(code != 0 && output.Contains("user", StringComparison.Ordinal), output);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    // The names of the page are those of another network, and nginx looks them up.
    private static async Task<(int Code, string Output)> CheckAsync(string nginx, string folder, string sample)
    {
        var here = sample.Replace("server api:", "server 127.0.0.1:", StringComparison.Ordinal)
            .Replace("server auth:", "server 127.0.0.1:", StringComparison.Ordinal)
            .Replace("/etc/nginx/tls/", folder + "/", StringComparison.Ordinal);
        var file = Path.Combine(folder, "nginx.conf");
        await File.WriteAllTextAsync(file, $"pid {folder}/nginx.pid;\nevents {{}}\nhttp {{\naccess_log off;\n{here}\n}}\n");
        using var process = Process.Start(new ProcessStartInfo(nginx,
            ["-t", "-e", "stderr", "-p", folder, "-c", file])
        { RedirectStandardError = true })!;
        var output = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, output);
    }

    private static void WriteCertificate(string folder)
    {
        using var key = RSA.Create(2048);
        using var certificate = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
            .CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(100));
        File.WriteAllText(Path.Combine(folder, "cert.pem"), certificate.ExportCertificatePem());
        File.WriteAllText(Path.Combine(folder, "key.pem"), key.ExportPkcs8PrivateKeyPem());
    }
}
