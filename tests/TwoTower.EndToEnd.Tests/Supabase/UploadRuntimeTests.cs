using TwoTower.Supabase.Publishing;
using TwoTower.Testing;

namespace TwoTower.EndToEnd.Tests.Supabase;

/// <summary><c>twotower upload runtime</c>: what the edge functions find in Storage afterwards.</summary>
[Collection(nameof(SupabaseProjects))]
public sealed class UploadRuntimeTests(PostgresFixture postgres, SupabaseServer server)
{
    [Fact]
    public async Task The_file_that_the_functions_run_is_put_where_they_look_and_no_other()
    {
        var (tools, reason) = await NpmTools.InstallAsync("supabase");
        Assert.SkipWhen(tools is null, reason);
        var file = tools!.PathOf("onnxruntime-web", "dist", EdgeRuntime.FileName);
        var wasm = await File.ReadAllBytesAsync(file);
        await using var at = await ProjectFixture.CreateAsync(postgres, server, "select 1");
        var other = at.Workplace.PathOf("other.wasm");
        await File.WriteAllBytesAsync(other, wasm[..^1]);
        foreach (var (wrong, named) in new[] { (other, EdgeRuntime.Package), (other, EdgeRuntime.Sha256), (at.Workplace.PathOf("none"), "can't be read") })
        {
            var refused = await at.Workplace.TryAsync("upload", "runtime", wrong);
            Assert.Equal(2, refused.ExitCode);
            Assert.Contains(named, Assert.Single(refused.ErrorLines), StringComparison.Ordinal);
            Assert.Contains(wrong, refused.Err, StringComparison.Ordinal);
        }

        Assert.Empty(at.StandIn.Requests);

        // The first tries meet a gateway that is crowded.
        var tries = 0;
        at.StandIn.Intercept = request =>
            Task.FromResult<StandInFault?>(request.Path.EndsWith(".wasm", StringComparison.Ordinal) && Interlocked.Increment(ref tries) <= 2 ? new(503) : null);
        Assert.True((await at.Workplace.JsonAsync("upload", "runtime", file)).GetProperty("uploaded").GetBoolean());
        at.StandIn.Intercept = null;
        Assert.Equal(wasm, at.StandIn.Storage.Read(EdgeRuntime.Bucket, EdgeRuntime.Path));

        Assert.False((await at.Workplace.JsonAsync("upload", "runtime", file)).GetProperty("uploaded").GetBoolean());
        at.StandIn.Storage.Damage(EdgeRuntime.Bucket, EdgeRuntime.Path, wasm[..100]);
        var again = await at.Workplace.RunAsync("upload", "runtime", file);
        Assert.Contains($"{EdgeRuntime.Path} is in bucket model-artifacts", again.Out, StringComparison.Ordinal);
        Assert.DoesNotContain(SupabaseStandIn.SecretKey, again.Out + again.Err, StringComparison.Ordinal);
        Assert.Equal(wasm, at.StandIn.Storage.Read(EdgeRuntime.Bucket, EdgeRuntime.Path));

        // What comes back is not what went.
        at.StandIn.Storage.Damage(EdgeRuntime.Bucket, EdgeRuntime.Path, []);
        at.StandIn.Intercept = request =>
            Task.FromResult<StandInFault?>(request is { Method: "GET" } && request.Path.EndsWith(".wasm", StringComparison.Ordinal) ? new(200, "x") : null);
        var broken = await at.Workplace.TryAsync("upload", "runtime", file);
        Assert.Equal(1, broken.ExitCode);
        Assert.Contains("doesn't give", Assert.Single(broken.ErrorLines), StringComparison.Ordinal);
    }
}
