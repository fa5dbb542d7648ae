using TwoTower.Core.Bundles;
using TwoTower.Testing;

namespace TwoTower.EndToEnd.Tests.Supabase;

/// <summary><c>twotower publish</c>: what a reader of current/ finds.</summary>
[Collection(nameof(SupabaseProjects))]
public sealed class PublishVerbTests(PostgresFixture postgres, SupabaseServer server)
{
    [Fact]
    public async Task A_release_is_published_to_Storage_gone_back_from_and_watched_over()
    {
        await using var at = await ProjectFixture.CreateAsync(postgres, server);
        await TestReleases.LoadGoldenAsync(at.Workplace.Database);
        var one = await ActivateAsync(at, 1);
        var first = await at.Workplace.RunAsync("publish", "supabase", "--verbose");
        Assert.Contains($"{one} is published", first.Out, StringComparison.Ordinal);
        Assert.DoesNotContain(SupabaseStandIn.SecretKey, first.Out + first.Err, StringComparison.Ordinal);
        await CurrentIsAsync(at, one);
        var two = await ActivateAsync(at, 2);
        Assert.Equal(one, (await at.Workplace.JsonAsync("publish", "supabase")).GetProperty("previous").GetString());
        await CurrentIsAsync(at, two);
        await at.Workplace.RunAsync("publish", "supabase", "--rollback", "--reason", "a test");
        await CurrentIsAsync(at, one);
        await at.Workplace.RunAsync("publish", "supabase");
        await CurrentIsAsync(at, two);

        await using (var watch = at.Workplace.Start("publish", "supabase", "--watch", "--every", "1s"))
        {
            await watch.LineAsync(line => line.StartsWith("watching", StringComparison.Ordinal));
            at.StandIn.Storage.Damage("model-artifacts", "two-tower/v2/current/user_tower.onnx", [1]);
            await watch.LineAsync(line => line.Contains("is put back", StringComparison.Ordinal));
            await CurrentIsAsync(at, one);
            watch.Interrupt();
            Assert.Equal(130, (await watch.ExitAsync()).ExitCode);
        }

        await at.Workplace.RunAsync("publish", "supabase");
        await using (var watch = at.Workplace.Start("publish", "supabase", "--watch", "--every", "1s"))
        {
            await watch.LineAsync(line => line.StartsWith("watching", StringComparison.Ordinal));
            await at.Workplace.RunAsync("releases", "rollback");
            await watch.LineAsync(line => line.Contains("was rolled back", StringComparison.Ordinal));
        }

        await CurrentIsAsync(at, one);
        Assert.Empty(Directory.EnumerateDirectories(at.Workplace.PathOf("publishing")));
    }

    [Theory]
    [InlineData("/storage/v1/object/model-artifacts/two-tower/v2/", 3)] // while the version is uploaded
    [InlineData("/storage/v1/object/copy", 16)] // while current/ is copied to undo/
    [InlineData("/storage/v1/object/copy", 28)] // while current/ is written
    public async Task A_publication_that_is_killed_is_ended_by_the_next(string path, int request)
    {
        await using var at = await ProjectFixture.CreateAsync(postgres, server);
        await TestReleases.LoadGoldenAsync(at.Workplace.Database);
        var one = await ActivateAsync(at, 1);
        await at.Workplace.RunAsync("publish", "supabase");
        var two = await ActivateAsync(at, 2);
        var copies = at.StandIn.Requests.Count(seen => seen.Path == "/storage/v1/object/copy");
        var count = path.EndsWith("copy", StringComparison.Ordinal) ? copies : 0;
        await at.KilledAtAsync((seen, _) => seen.Method == "POST" && seen.Path.StartsWith(path, StringComparison.Ordinal) && ++count == request, "publish", "supabase");
        if (request < 28) await CurrentIsAsync(at, one);

        // Whoever comes next mends it: here, one that publishes the same as before.
        await at.Workplace.RunAsync("publish", "supabase", "--release", one);
        await CurrentIsAsync(at, one);
        await at.Workplace.RunAsync("publish", "supabase");
        await CurrentIsAsync(at, two);
    }

    [Fact]
    public async Task A_folder_is_published_to_as_well_and_what_cannot_be_is_one_line()
    {
        await using var at = await ProjectFixture.CreateAsync(postgres, server);
        var none = await at.Workplace.TryAsync("publish", at.Workplace.PathOf("out"));
        Assert.Equal(2, none.ExitCode);
        Assert.Contains("--release", Assert.Single(none.ErrorLines), StringComparison.Ordinal);
        await TestReleases.LoadGoldenAsync(at.Workplace.Database);
        var one = await ActivateAsync(at, 1);
        await at.Workplace.RunAsync("publish", at.Workplace.PathOf("out"));
        Assert.Equal(one, ManifestBuilder.Verify(at.Workplace.PathOf("out/two-tower/v2/current")).ModelVersion);
        Assert.Equal(one, ManifestBuilder.Verify(at.Workplace.PathOf($"out/two-tower/v2/{one}")).ModelVersion);
        foreach (var (arguments, named) in new (string[], string)[]
        {
            ([at.Workplace.PathOf("out"), "--rollback"], "nothing to go back to"), (["ftp://x"], "ftp://x"), (["s3://"], "names no bucket"),
            ([at.Workplace.PathOf("out"), "--rollback", "--watch"], "--rollback and --watch"),
            ([at.Workplace.PathOf("out"), "--rollback", "--release", one], $"--release {one}"),
            ([at.Workplace.PathOf("out"), "--rollback", "--major", "v7"], "correct --major"),
            ([at.Workplace.PathOf("nowhere"), "--rollback"], "nowhere"), (["supabase", "--rollback", "--bucket", "typo"], "no bucket typo"),
            ([at.Workplace.PathOf("out"), "--major", "x/y"], "--major x/y"),
        })
        {
            var refused = await at.Workplace.TryAsync(["publish", .. arguments]);
            Assert.Equal(2, refused.ExitCode);
            Assert.Contains(named, Assert.Single(refused.ErrorLines), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task What_is_gone_back_from_is_what_the_store_has()
    {
        await using var at = await ProjectFixture.CreateAsync(postgres, server);
        await TestReleases.LoadGoldenAsync(at.Workplace.Database);
        var one = await ActivateAsync(at, 1);
        await at.Workplace.RunAsync("publish", "supabase");
        var two = await ActivateAsync(at, 2);
        await at.Workplace.RunAsync("publish", "supabase");

        // The live release is of another generation.
        var checkpoint = TestCheckpoints.Random(16, 3);
        await TestReleases.ActivateAsync(at.Workplace.Database, checkpoint with { Recipe = checkpoint.Recipe with { Name = "v3-x" } });
        Assert.Equal(two, (await at.Workplace.JsonAsync("publish", "supabase", "--rollback")).GetProperty("previous").GetString());
        await CurrentIsAsync(at, one);
        await at.Workplace.RunAsync("publish", "supabase");
        var which = await at.Workplace.TryAsync("publish", "supabase", "--rollback");
        Assert.Equal(2, which.ExitCode);
        Assert.Contains("v2 and v3", Assert.Single(which.ErrorLines), StringComparison.Ordinal);
        await at.Workplace.RunAsync("publish", "supabase", "--release", two);
        await at.Workplace.RunAsync("publish", "supabase", "--rollback", "--major", "v2");
        await CurrentIsAsync(at, one);
    }

    [Fact]
    public async Task One_version_is_published_to_two_places_at_the_same_time()
    {
        await using var at = await ProjectFixture.CreateAsync(postgres, server);
        await TestReleases.LoadGoldenAsync(at.Workplace.Database);
        var one = await ActivateAsync(at, 1);
        var (reached, goOn) = (new TaskCompletionSource(), new TaskCompletionSource());
        at.StandIn.Intercept = async request =>
        {
            if (request.Method == "POST" && request.Path.Contains($"/{one}/", StringComparison.Ordinal))
            {
                reached.TrySetResult();
                await goOn.Task;
            }

            return null;
        };
        await using var slow = at.Workplace.Start("publish", "supabase");
        var ended = slow.ExitAsync();
        Assert.Same(reached.Task, await Task.WhenAny(reached.Task, ended));
        await at.Workplace.RunAsync("publish", at.Workplace.PathOf("out"));
        goOn.SetResult();
        var result = await ended;
        Assert.True(result.ExitCode == 0, result.Err);
        await CurrentIsAsync(at, one);
        Assert.Equal(one, ManifestBuilder.Verify(at.Workplace.PathOf("out/two-tower/v2/current")).ModelVersion);
        Assert.Empty(Directory.EnumerateDirectories(at.Workplace.PathOf("publishing")));
    }

    private static async Task<string> ActivateAsync(ProjectFixture at, int seed) => (await TestReleases.ActivateAsync(
        at.Workplace.Database, TestCheckpoints.Random(16, seed), new DateTimeOffset(2026, 1, seed, 0, 0, 0, TimeSpan.Zero))).ModelVersion;

    // As a reader does it: fetched, then held to the manifest.
    private static async Task CurrentIsAsync(ProjectFixture at, string version)
    {
        using var folder = new TemporaryFolder();
        const string Current = "two-tower/v2/current/";
        foreach (var name in at.StandIn.Storage.Names("model-artifacts").Where(name => name.StartsWith(Current, StringComparison.Ordinal)))
        {
            await File.WriteAllBytesAsync(Path.Combine(folder.Path, name[Current.Length..]), at.StandIn.Storage.Read("model-artifacts", name));
        }

        Assert.Equal(version, ManifestBuilder.Verify(folder.Path).ModelVersion);
    }
}
