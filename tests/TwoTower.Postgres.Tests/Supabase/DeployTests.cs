using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using TwoTower.Testing;

namespace TwoTower.Postgres.Tests.Supabase;

/// <summary>What Supabase's own command line sends of supabase/functions, to a recorder in the place of its management API.</summary>
public class DeployTests
{
    private static readonly string Root = Path.Combine(PostgresFixture.RepositoryRoot(), "supabase");

    [Fact]
    public async Task The_functions_are_deployed_as_the_tests_run_them()
    {
        var (tools, reason) = await NpmTools.InstallAsync("supabase");
        Assert.SkipWhen(tools is null, reason);
        using var folder = new TemporaryFolder();
        foreach (var file in Directory.EnumerateFiles(Root, "*", SearchOption.AllDirectories))
        {
            var copy = Path.Combine(folder.Path, "supabase", Path.GetRelativePath(Root, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }

        using var recorder = new HttpListener();
        recorder.Prefixes.Add($"http://127.0.0.1:{FreePort.Next()}/");
        recorder.Start();
        var sent = new Dictionary<string, byte[]>();
        var recording = Task.Run(() => RecordAsync(recorder, sent));
        var profile = Path.Combine(folder.Path, "profile.yaml");
        var url = recorder.Prefixes.Single().TrimEnd('/');
        await File.WriteAllTextAsync(profile, $"name: recorder\napi_url: {url}\ndashboard_url: {url}\nproject_host: example.com\n");

        var start = tools!.Start(
            "supabase", "functions", "deploy", "recommend", "embed-user", "--use-api", "--project-ref", "abcdefghijklmnopqrst", "--profile", profile,
            "--workdir", folder.Path);
        start.Environment["SUPABASE_ACCESS_TOKEN"] = "sbp_" + new string('0', 40);
        using var process = System.Diagnostics.Process.Start(start)!;
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync();
        var error = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        recorder.Close();
        await recording;
        Assert.True(process.ExitCode == 0, await output + error);

        foreach (var function in new[] { "recommend", "embed-user" })
        {
            var body = sent[$"POST {function}"];
            Assert.InRange(body.Length, 1, 5_000_000);
            foreach (var file in Directory.EnumerateFiles(Path.Combine(Root, "functions", "_shared"), "*", SearchOption.AllDirectories)
                .Concat(Directory.EnumerateFiles(Path.Combine(Root, "functions", function))).Where(file => Path.GetFileName(file) != "LICENSE"))
            {
                var content = await File.ReadAllBytesAsync(file);
                Assert.True(Has(body, content), $"{function} was sent without {file}");
            }

            Assert.Contains("\"verify_jwt\":false", Encoding.UTF8.GetString(body), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task The_onnx_runtime_beside_the_functions_is_npms()
    {
        var tools = await Edge.ToolsAsync();
        const string Module = "ort.wasm.bundle.min.mjs";
        Assert.Equal(
            await File.ReadAllBytesAsync(tools.PathOf("onnxruntime-web", "dist", Module)),
            await File.ReadAllBytesAsync(Path.Combine(Root, "functions", "_shared", "onnxruntime-web", Module)));
        var wasm = SHA256.HashData(await File.ReadAllBytesAsync(tools.PathOf("onnxruntime-web", "dist", "ort-wasm-simd-threaded.wasm")));
        Assert.Contains(
            $"sha256: \"{Convert.ToHexStringLower(wasm)}\"",
            await File.ReadAllTextAsync(Path.Combine(Root, "functions", "_shared", "foreign.ts")), StringComparison.Ordinal);
    }

    private static bool Has(byte[] body, byte[] content) => body.AsSpan().IndexOf(content) >= 0;

    private static async Task RecordAsync(HttpListener recorder, Dictionary<string, byte[]> sent)
    {
        while (true)
        {
            try
            {
                var context = await recorder.GetContextAsync();
                using var body = new MemoryStream();
                await context.Request.InputStream.CopyToAsync(body);
                var slug = context.Request.QueryString["slug"];
                sent[$"{context.Request.HttpMethod} {slug}"] = body.ToArray();
                (context.Response.StatusCode, context.Response.ContentType) = (slug is null ? 200 : 201, "application/json");
                var answer = JsonSerializer.SerializeToUtf8Bytes<object>(slug is null
                    ? context.Request.HttpMethod == "GET" ? Array.Empty<object>() : new { functions = Array.Empty<object>() }
                    : new
                    {
                        id = Guid.NewGuid(),
                        slug,
                        name = slug,
                        status = "ACTIVE",
                        version = 1,
                        created_at = 0,
                        updated_at = 0,
                        verify_jwt = false,
                        import_map = true,
                        entrypoint_path = "index.ts",
                    });
                await context.Response.OutputStream.WriteAsync(answer);
                context.Response.Close();
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
            {
                return;
            }
        }
    }
}
