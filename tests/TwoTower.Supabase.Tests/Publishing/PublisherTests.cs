using TwoTower.Core;
using TwoTower.Core.Artifacts;
using TwoTower.Supabase.Publishing;
using TwoTower.Supabase.Stores;
using TwoTower.Supabase.Tests.Stores;
using TwoTower.Testing;

namespace TwoTower.Supabase.Tests.Publishing;

/// <summary>What a reader of current/ sees, whatever happens to a publication.</summary>
public sealed class PublisherTests(SupabaseServer server) : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly List<string> _said = [];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("folder")]
    [InlineData("supabase")]
    [InlineData("s3")]
    public async Task A_release_is_published_and_gone_back_from(string kind)
    {
        await using var place = await TestStore.OpenAsync(kind, server);
        var publisher = await PublisherAsync(place.Store);
        var (one, two) = (await BundleAsync(1), await BundleAsync(2));
        var first = await publisher.PublishAsync(one.Folder, one.Manifest, null, default);
        Assert.Equal((one.Version, null, true, one.Manifest.Files.Count),
            (first.ModelVersion, first.Previous, first.Changed, first.Uploaded));
        var again = await publisher.PublishAsync(one.Folder, one.Manifest, null, default);
        Assert.Equal((one.Version, false, 0), (again.ModelVersion, again.Changed, again.Uploaded));

        var second = await publisher.PublishAsync(two.Folder, two.Manifest, null, default);
        Assert.Equal((two.Version, one.Version), (second.ModelVersion, second.Previous));
        await CurrentIsAsync(place.Store, two);
        Assert.Equal(one.Version, (await publisher.RollbackAsync("worse", default)).ModelVersion);
        await CurrentIsAsync(place.Store, one);
        Assert.Contains("nothing to go back to", (await Assert.ThrowsAsync<InputException>(() => publisher.RollbackAsync(null, default))).Message, StringComparison.Ordinal);
        Assert.Null(await publisher.FaultAsync(two.Version, default));
    }

    /// <summary>Every write, copy and deletion of a publication fails once: current/ is as it was, and the next run publishes.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_failure_at_any_step_leaves_current_as_it_was(bool isKill)
    {
        var (one, two) = (await BundleAsync(1), await BundleAsync(2, histories: true));
        for (var step = 0; ; step++)
        {
            Assert.True(step < 500);
            var inner = new FolderStore(Path.Combine(_folder.Path, $"{isKill}-{step}"));
            await (await PublisherAsync(inner)).PublishAsync(one.Folder, one.Manifest, null, default);
            using var failing = new FailingStore(inner, step, isKill);
            var publisher = await PublisherAsync(failing);
            try
            {
                await publisher.PublishAsync(two.Folder, two.Manifest, null, default);
            }
            catch (IOException)
            {
                failing.Heals();
                if (isKill)
                {
                    // Killed: the next run finds it.
                    await (await PublisherAsync(inner)).RecoverAsync(default);
                }

                var current = (await publisher.CurrentAsync(default))!;
                Assert.Null(await publisher.FaultAsync("current", default));
                if (!isKill) Assert.Equal((step, one.Version), (step, current.ModelVersion));
                Assert.Equal(current.ModelVersion == one.Version ? [one.Version]
                    : [one.Version, two.Version], await publisher.HistoryAsync(default));
                await publisher.PublishAsync(two.Folder, two.Manifest, null, default);
                await CurrentIsAsync(inner, two);
                continue;
            }

            await CurrentIsAsync(inner, two);
            if (!failing.HasFailed) break;
        }
    }

    [Fact]
    public async Task A_file_that_is_not_given_back_as_written_is_never_current()
    {
        await using var place = await TestStore.OpenAsync("supabase", server);
        var publisher = await PublisherAsync(place.Store);
        var (one, two) = (await BundleAsync(1), await BundleAsync(2));
        await publisher.PublishAsync(one.Folder, one.Manifest, null, default);
        place.StandIn!.Intercept = request =>
        {
            if (request.Method == "GET" && request.Path.EndsWith($"{two.Version}/{ArtifactNames.UserTower}", StringComparison.Ordinal)) return Task.FromResult<StandInFault?>(new(200, "x"));
            return Task.FromResult<StandInFault?>(null);
        };
        var error = await Assert.ThrowsAsync<InputException>(() => publisher.PublishAsync(two.Folder, two.Manifest, null, default));
        Assert.Contains(ArtifactNames.UserTower, error.Message, StringComparison.Ordinal);
        place.StandIn.Intercept = null;
        await CurrentIsAsync(place.Store, one);
    }

    /// <summary>Storage answers 400 to a HEAD for whatever reason: a fault that passes is not a file that isn't there.</summary>
    [Fact]
    public async Task A_file_whose_HEAD_is_refused_is_put_back_as_well()
    {
        await using var place = await TestStore.OpenAsync("supabase", server);
        var publisher = await PublisherAsync(place.Store);
        var (one, two) = (await BundleAsync(1), await BundleAsync(2));
        await publisher.PublishAsync(one.Folder, one.Manifest, null, default);
        var copies = 0;
        place.StandIn!.Intercept = request => Task.FromResult<StandInFault?>(
            request.Method == "HEAD" ? new(400)
            : request.Path == "/storage/v1/object/copy" && ++copies == one.Manifest.Files.Count + 4
                ? new(400, """{"statusCode":"403","error":"Unauthorized","message":"no","code":"AccessDenied"}""", Type: "application/json")
            : null);
        await Assert.ThrowsAsync<InputException>(() => publisher.PublishAsync(two.Folder, two.Manifest, null, default));
        place.StandIn.Intercept = null;
        await CurrentIsAsync(place.Store, one);
        Assert.Equal([one.Version], await publisher.HistoryAsync(default));
        await publisher.PublishAsync(two.Folder, two.Manifest, null, default);
        await CurrentIsAsync(place.Store, two);
    }

    [Theory]
    [InlineData(ArtifactNames.UserTower)]
    [InlineData(ArtifactNames.Manifest)]
    public async Task What_cannot_be_put_back_is_not_said_to_be_and_the_next_publication_mends_it(string lost)
    {
        var (one, two) = (await BundleAsync(1), await BundleAsync(2));
        var inner = new FolderStore(Path.Combine(_folder.Path, "lost"));
        var publisher = await PublisherAsync(inner);
        await publisher.PublishAsync(one.Folder, one.Manifest, null, default);

        // Killed when all but the manifest of current/ is the new one's.
        var backup = two.Manifest.Files.Count + 1;
        using (var failing = new FailingStore(inner, backup + 1 + backup + two.Manifest.Files.Count, isKill: true))
        {
            await Assert.ThrowsAsync<IOException>(() => new Publisher(failing, "v2", TimeProvider.System, _said.Add).PublishAsync(two.Folder, two.Manifest, null, default));
        }

        await inner.DeleteAsync($"two-tower/v2/undo/{lost}", default);
        _said.Clear();
        await publisher.RecoverAsync(default);
        await publisher.RecoverAsync(default);
        Assert.Equal(2, _said.Count(line => line.Contains($"undo/{lost}", StringComparison.Ordinal)));
        Assert.DoesNotContain(_said, line => line.Contains("is as it was", StringComparison.Ordinal));
        await publisher.PublishAsync(two.Folder, two.Manifest, null, default);
        await CurrentIsAsync(inner, two);
        _said.Clear();
        Assert.Equal(one.Version, (await publisher.RollbackAsync(null, default)).ModelVersion);
        await CurrentIsAsync(inner, one);
        Assert.Empty(_said);
    }

    /// <summary>The embedder follows changed videos: the vectors of a version aren't always the same.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_version_that_is_published_again_with_other_vectors_can_be_gone_back_to_whatever_happens(bool isKill)
    {
        var (one, two, other) = (await BundleAsync(1), await BundleAsync(2), await BundleAsync(1, videos: 4));
        Assert.Equal(one.Version, other.Version);
        for (var step = 0; ; step++)
        {
            Assert.True(step < 500);
            var inner = new FolderStore(Path.Combine(_folder.Path, $"again-{isKill}-{step}"));
            var publisher = await PublisherAsync(inner);
            await publisher.PublishAsync(one.Folder, one.Manifest, null, default);
            await publisher.PublishAsync(two.Folder, two.Manifest, null, default);
            using var failing = new FailingStore(inner, step, isKill);
            try
            {
                await (await PublisherAsync(failing)).PublishAsync(other.Folder, other.Manifest, null, default);
            }
            catch (IOException)
            {
                // What is gone back to is the version as it was, or as it was to be.
                await publisher.RecoverAsync(default);
                Assert.Null(await publisher.FaultAsync(one.Version, default));
                Assert.Null(await publisher.FaultAsync(two.Version, default));
                Assert.Null(await publisher.FaultAsync("current", default));
                if ((await publisher.HistoryAsync(default))[^1] == two.Version) await publisher.RollbackAsync(null, default);
                Assert.Equal(one.Version, (await publisher.CurrentAsync(default))!.ModelVersion);
                Assert.Null(await publisher.FaultAsync("current", default));
                await publisher.PublishAsync(other.Folder, other.Manifest, null, default);
                await CurrentIsAsync(inner, other);
                continue;
            }

            await CurrentIsAsync(inner, other);
            Assert.Null(await publisher.FaultAsync(one.Version, default));
            Assert.Empty(Directory.EnumerateFiles(Path.Combine(inner.Name, "two-tower/v2/incoming")));
            if (!failing.HasFailed) break;
        }
    }

    [Fact]
    public async Task The_manifest_comes_last_and_current_is_copied_within_the_store()
    {
        await using var place = await TestStore.OpenAsync("supabase", server);
        var publisher = await PublisherAsync(place.Store);
        var one = await BundleAsync(1);
        await publisher.PublishAsync(one.Folder, one.Manifest, null, default);
        var written = place.StandIn!.Requests.Where(request => request.Method == "POST" && request.Path.Contains("/object/model-artifacts/", StringComparison.Ordinal))
            .Select(request => request.Path.Split("/two-tower/v2/")[^1]).Where(name => name != "publications.json").ToList();
        Assert.Equal([.. one.Manifest.Files.Select(file => $"{one.Version}/{file.Path}"), $"{one.Version}/manifest.json"], written);
        Assert.Equal(one.Manifest.Files.Count + 1, place.StandIn.Requests.Count(request => request.Path == "/storage/v1/object/copy"));
        Assert.All(place.StandIn.Requests, request => Assert.DoesNotContain("authorization", request.Headers.Keys));
    }

    [Fact]
    public async Task Generations_are_numbers_in_order()
    {
        using var place = new FolderStore(Path.Combine(_folder.Path, "generations"));
        await place.PrepareAsync(_said.Add, default);
        foreach (var name in new[] { "v10", "v9", "v2", "v100", "models", "v9-taste" })
        {
            await place.WriteAsync($"two-tower/{name}/publications.json", "{}"u8.ToArray(), default);
        }

        Assert.Equal(["v2", "v9", "v10", "v100"], await Publisher.MajorsAsync(place, default));
    }

    [Theory]
    [InlineData("v3-taste-20260101T000000Z-00000000", "v2", "v3")]
    [InlineData("v12-x", null, "v12")]
    [InlineData("20251012-093000", "v2", "v2")]
    [InlineData("model", "v4", "v4")]
    [InlineData("model", null, "v2")]
    [InlineData("velvet", "x", "v2")]
    public void The_folder_of_a_generation_is_what_a_name_begins_with(string version, string? schema, string major) =>
        Assert.Equal(major, Publisher.MajorOf(version, schema));

    private async Task<Publisher> PublisherAsync(ArtifactStore store)
    {
        await store.PrepareAsync(_said.Add, default);
        return new(store, "v2", TimeProvider.System, _said.Add);
    }

    private async Task<TestBundle> BundleAsync(int seed, bool histories = false, int videos = 5)
    {
        var folder = Path.Combine(_folder.Path, $"bundle-{seed}-{videos}");
        var checkpoint = histories ? TestCheckpoints.Histories(TestBundles.ForeignVideos) : TestCheckpoints.Random(16, seed);
        var manifest = await TestBundles.WriteOursAsync(folder, checkpoint, [.. TestBundles.ForeignVideos.Take(videos)],
            DateTimeOffset.UnixEpoch.AddDays(seed));
        return new(folder, manifest);
    }

    private static async Task CurrentIsAsync(ArtifactStore store, TestBundle bundle)
    {
        foreach (var name in bundle.Manifest.Files.Select(file => file.Path).Append("manifest.json"))
        {
            Assert.Equal(await File.ReadAllBytesAsync(Path.Combine(bundle.Folder, name)), await store.ReadAsync($"two-tower/v2/current/{name}", default));
        }
    }

    private sealed record TestBundle(string Folder, Manifest Manifest)
    {
        public string Version => Manifest.ModelVersion;
    }

    // The real folder, whose disk is full at one step: after a kill nothing works any more, after a failure the next step does.
    private sealed class FailingStore(ArtifactStore inner, int step, bool isKill) : ArtifactStore
    {
        private int _steps;
        private bool _isWhole;

        public bool HasFailed { get; private set; }

        public override string Name => inner.Name;

        public void Heals() => _isWhole = true;

        public override Task PrepareAsync(Action<string> say, CancellationToken ct) => inner.PrepareAsync(say, ct);

        public override Task<Stream?> OpenAsync(string name, CancellationToken ct) => inner.OpenAsync(name, ct);

        public override Task<StoredTag?> TagAsync(string name, CancellationToken ct) => inner.TagAsync(name, ct);

        public override Task WriteAsync(string name, string path, CancellationToken ct) => Step(() => inner.WriteAsync(name, path, ct));

        public override Task<IReadOnlyList<string>> FoldersAsync(string folder, CancellationToken ct) => inner.FoldersAsync(folder, ct);

        public override async Task<bool> CopyAsync(string from, string to, CancellationToken ct)
        {
            var isThere = false;
            await Step(async () => isThere = await inner.CopyAsync(from, to, ct));
            return isThere;
        }

        public override Task DeleteAsync(string name, CancellationToken ct) => Step(() => inner.DeleteAsync(name, ct));

        private Task Step(Func<Task> work)
        {
            var at = _steps++;
            if (_isWhole || (isKill ? at < step : at != step)) return work();
            HasFailed = true;
            throw new IOException("the disk is full");
        }
    }
}
