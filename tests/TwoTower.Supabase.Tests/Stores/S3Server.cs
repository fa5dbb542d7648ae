using System.Diagnostics;
using TwoTower.Testing;

namespace TwoTower.Supabase.Tests.Stores;

/// <summary>An S3-compatible server of npm's (s3rver) with a bucket "models". It knows its access key, and doesn't check signatures of version 4.</summary>
internal sealed class S3Server : IAsyncDisposable
{
    private readonly TemporaryFolder _folder;
    private readonly Process _process;

    private S3Server(Process process, string url, TemporaryFolder folder) => (_process, Url, _folder) = (process, url, folder);

    public string Url { get; }

    /// <summary>What AWS' SDK reads.</summary>
    public Func<string, string?> Variable => name => name switch
    {
        "AWS_ENDPOINT_URL_S3" => Url,
        "AWS_REGION" => "us-east-1",
        "AWS_ACCESS_KEY_ID" or "AWS_SECRET_ACCESS_KEY" => "S3RVER",
        _ => null,
    };

    public static async Task<S3Server> StartAsync()
    {
        var (tools, reason) = await NpmTools.InstallAsync("s3");
        Assert.SkipWhen(tools is null, reason);
        var port = FreePort.Next();
        var folder = new TemporaryFolder();
        Directory.CreateDirectory(Path.Combine(folder.Path, "models"));
        var start = tools!.Start("s3rver", "--directory", folder.Path, "--address", "127.0.0.1", "--port", $"{port}");
        var process = Process.Start(start)!;
        _ = process.StandardError.ReadToEndAsync();
        for (string? line; (line = await process.StandardOutput.ReadLineAsync()) is not null && !line.Contains("listening", StringComparison.OrdinalIgnoreCase);)
        {
        }

        _ = process.StandardOutput.ReadToEndAsync();
        return new(process, $"http://127.0.0.1:{port}", folder);
    }

    public async ValueTask DisposeAsync()
    {
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
        _folder.Dispose();
    }
}
