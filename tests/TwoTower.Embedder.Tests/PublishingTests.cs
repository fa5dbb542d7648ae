using System.Diagnostics;
using System.Text.Json;
using TwoTower.Core.Artifacts;
using TwoTower.Postgres.Releases;
using TwoTower.Postgres.Schema;
using TwoTower.Testing;

namespace TwoTower.Embedder.Tests;

/// <summary>The worker as a process that watches over a publication.</summary>
public sealed class PublishingTests(PostgresFixture postgres, SupabaseServer server) : IClassFixture<SupabaseServer>
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task It_publishes_the_live_release_mends_what_is_damaged_and_follows_a_rollback()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        await TestReleases.LoadGoldenAsync(db);
        var first = await TestReleases.ActivateAsync(db, TestCheckpoints.Random(seed: 1));
        var second = await TestReleases.ActivateAsync(db, TestCheckpoints.Random(seed: 2), Golden.AsOf.AddHours(1));
        using var folder = new TemporaryFolder();
        using var process = Start(db, ("TwoTower__Embedder__Publish__Place", folder.Path), ("TwoTower__Embedder__Publish__Every", "00:00:00.2"));
        var current = Path.Combine(folder.Path, "two-tower", "v2", "current");
        await UntilAsync(process, () => VersionAsync(current), second.ModelVersion);

        var tower = Path.Combine(current, ArtifactNames.UserTower);
        var right = await File.ReadAllBytesAsync(tower);
        await File.WriteAllBytesAsync(tower, [1, 2, 3]);
        await UntilAsync(process, async () => Convert.ToBase64String(await File.ReadAllBytesAsync(tower)), Convert.ToBase64String(right));

        await new ReleaseStore(db.DataSource).RollbackAsync("test", null);
        await UntilAsync(process, () => VersionAsync(current), first.ModelVersion);
        process.Kill();
        await process.WaitForExitAsync();
    }

    [Fact]
    public async Task It_begins_when_a_release_is_live_and_embeds_while_the_project_is_away()
    {
        Assert.SkipWhen(server.Reason is not null, server.Reason ?? "");
        await using var db = await server.CreateProjectAsync(new(Exposes: false, SecuresTables: true));
        await Migrator.MigrateAsync(db.DataSource, null, default);
        await TestReleases.LoadGoldenAsync(db);
        var store = new ReleaseStore(db.DataSource);
        await using var standIn = new SupabaseStandIn(db);
        var isAway = true;
        standIn.Intercept = request => Task.FromResult<StandInFault?>(
            Volatile.Read(ref isAway) && request.Path.StartsWith("/storage/", StringComparison.Ordinal) ? new(403, """{"statusCode": "403", "message": "no"}""") : null);
        using var process = Start(
            db, ("TwoTower__Embedder__Publish__Place", "supabase"), ("TwoTower__Embedder__Publish__Every", "00:00:00.2"), ("SUPABASE_URL", standIn.Url),
            ("SUPABASE_SECRET_KEY", SupabaseStandIn.SecretKey), ("TwoTower__Embedder__ActivateFirst", "true"), ("Logging__Console__LogToStandardErrorThreshold", "Trace"));
        var log = new System.Collections.Concurrent.ConcurrentQueue<string>();
        process.ErrorDataReceived += (_, line) => log.Enqueue(line.Data ?? "");
        process.BeginErrorReadLine();
        var release = await store.RegisterAsync(ReleaseFiles.Build(TestCheckpoints.Random(), Golden.AsOf), new());
        await UntilAsync(process, async () => (await store.GetActiveAsync())?.ModelVersion, release.ModelVersion);
        await UntilAsync(process, () => Task.FromResult<string?>($"{standIn.Requests.Count > 2}"), "True");

        Volatile.Write(ref isAway, false);
        await UntilAsync(process, () => Task.FromResult(VersionOf(standIn)), release.ModelVersion);
        process.Kill();
        await process.WaitForExitAsync();
        Assert.DoesNotContain(SupabaseStandIn.SecretKey, string.Join('\n', log), StringComparison.Ordinal);
    }

    private static Process Start(TestDatabase db, params (string Name, string Value)[] settings) =>
        ProgramTests.Start([("ConnectionStrings__twotower", db.ConnectionString), .. settings]);

    private static string? VersionOf(SupabaseStandIn standIn)
    {
        const string Bucket = "model-artifacts", Manifest = "two-tower/v2/current/manifest.json";
        try
        {
            return standIn.Storage.Names(Bucket).Contains(Manifest) ? Version(standIn.Storage.Read(Bucket, Manifest)) : null;
        }
        catch (KeyNotFoundException)
        {
            return null; // no bucket yet
        }
    }

    private static async Task<string?> VersionAsync(string current)
    {
        var manifest = Path.Combine(current, ArtifactNames.Manifest);
        return File.Exists(manifest) ? Version(await File.ReadAllBytesAsync(manifest)) : null;
    }

    private static string? Version(byte[] manifest) => JsonElement.Parse(manifest).GetProperty("model_version").GetString();

    private static async Task UntilAsync(Process process, Func<Task<string?>> value, string expected)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (await value() != expected)
        {
            Assert.False(process.HasExited, "the worker ended by itself");
            await Task.Delay(50, patience.Token);
        }
    }
}
