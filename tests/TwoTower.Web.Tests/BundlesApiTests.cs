using System.Net;
using System.Net.Http.Headers;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using TwoTower.Core.Artifacts;
using TwoTower.Core.Bundles;
using TwoTower.Postgres.Releases;
using TwoTower.Testing;

namespace TwoTower.Web.Tests;

/// <summary>Releases that go and come as tar files, for operators.</summary>
public sealed class BundlesApiTests(PostgresFixture postgres) : IAsyncLifetime
{
    private const string Key = "correct-horse-battery-staple";
    private readonly TemporaryFolder _folder = new();
    private TestDatabase _db = null!;
    private ApiHost _api = null!;
    private ReleaseStore _store = null!;

    private string Underway => Path.Combine(_folder.Path, "underway");

    public async ValueTask InitializeAsync()
    {
        Directory.CreateDirectory(Underway);
        _db = await postgres.CreateDatabaseAsync();
        _store = new(_db.DataSource);
        await TestReleases.LoadGoldenAsync(_db);
        _api = await HostAsync(_db);
    }

    public async ValueTask DisposeAsync()
    {
        await _api.DisposeAsync();
        await _db.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_release_goes_from_one_database_to_another_and_is_served_there()
    {
        var release = await TestReleases.ActivateAsync(_db, TestCheckpoints.Random());
        var exported = await _api.Client.GetAsync($"/v1/releases/{release.ModelVersion}/bundle");
        Assert.Equal((HttpStatusCode.OK, "application/x-tar"), (exported.StatusCode, exported.Content.Headers.ContentType?.MediaType));
        Assert.Equal($"{release.ModelVersion}.tar", exported.Content.Headers.ContentDisposition?.FileName);
        var archive = await exported.Content.ReadAsByteArrayAsync();

        await using var elsewhere = await postgres.CreateDatabaseAsync();
        await TestReleases.LoadGoldenAsync(elsewhere);
        await using var api = await HostAsync(elsewhere);
        var response = await PostAsync(api, archive, "?activate=true&actor=alice");
        Assert.Equal($"/v1/releases/{release.ModelVersion}", response.Headers.Location?.ToString());
        var imported = await ApiHost.ReadAsync(response, 201);
        var videos = await _db.ScalarAsync<long>("select count(*) from videos");
        Assert.Equal(
            (release.ModelVersion, "active", true, videos, true),
            (imported.GetProperty("release").GetProperty("modelVersion").GetString(), imported.GetProperty("release").GetProperty("state").GetString(),
                imported.GetProperty("release").GetProperty("imported").GetBoolean(), imported.GetProperty("videos").GetInt64(), imported.GetProperty("activated").GetBoolean()));
        const string vectors = "select md5(string_agg(video_id::text || embedding::text, ',' order by video_id)) from two_tower.video_embeddings_1";
        Assert.Equal(await _db.ScalarAsync<string>(vectors), await elsewhere.ScalarAsync<string>(vectors));
        Assert.Equal(release.ModelVersion, (await api.GetAsync($"/v1/users/{ApiWorld.Viewer}/recommendations")).GetProperty("modelVersion").GetString());
        var shown = await api.GetAsync($"/v1/releases/{release.ModelVersion}");
        Assert.True(Assert.Single(shown.GetProperty("gateRuns").EnumerateArray()).GetProperty("passed").GetBoolean());
        Assert.All(shown.GetProperty("history").EnumerateArray().Skip(1), step =>
            Assert.Equal("operator over HTTP", step.GetProperty("actor").GetString()));

        // The same again changes nothing.
        Assert.False((await ApiHost.ReadAsync(await PostAsync(api, archive), 200)).GetProperty("activated").GetBoolean());
        Assert.Equal(1L, await elsewhere.ScalarAsync<long>("select count(*) from two_tower.activations"));
        Assert.Equal(1L, await elsewhere.ScalarAsync<long>("select count(*) from two_tower.gate_runs"));
        Assert.Empty(Left());
    }

    [Fact]
    public async Task A_body_that_is_no_sound_bundle_is_400_with_what_is_wrong_and_leaves_nothing()
    {
        var good = await BundleAsync("good");
        var cut = good[..(good.Length / 2)];
        var junk = new byte[2000];
        new Random(1).NextBytes(junk);
        var path = Path.Combine(_folder.Path, "good");
        var onnx = await File.ReadAllBytesAsync(Path.Combine(path, ArtifactNames.UserTower));
        onnx[1000] ^= 1;
        await File.WriteAllBytesAsync(Path.Combine(path, ArtifactNames.UserTower), onnx);
        var flipped = await ArchiveAsync(path);
        foreach (var (body, detail) in new[]
        {
            (Array.Empty<byte>(), "The archive isn't a whole tar file"),
            (new byte[1024], "The archive has no files"),
            (junk, "The archive isn't a whole tar file"),
            (cut, "The archive isn't a whole tar file"),
            (flipped, "The bundle isn't what its manifest says: user_tower.onnx has SHA-256"),
        })
        {
            var problem = await ApiHost.ReadAsync(await PostAsync(_api, body), 400);
            Assert.StartsWith(detail, problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
            Assert.DoesNotContain(Underway, problem.ToString(), StringComparison.Ordinal);
        }

        Assert.Empty(await _store.ListAsync());
        Assert.Empty(Left());
    }

    [Fact]
    public async Task A_body_of_another_type_or_larger_than_allowed_is_refused_before_it_is_read()
    {
        var detail = (await _api.PostAsync("/v1/releases", new { keep = 1 }, 415)).GetProperty("detail").GetString();
        Assert.Contains("Content-Type: application/x-tar", detail, StringComparison.Ordinal);
        await using var small = await HostAsync(_db, new() { ["TwoTower:Api:MaxBundleMb"] = "1" });
        var problem = await ApiHost.ReadAsync(await PostAsync(small, new byte[1_000_001]), 413);
        Assert.Contains("TwoTower:Api:MaxBundleMb", problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.Empty(Left());
    }

    [Fact]
    public async Task A_bundle_that_fails_its_checks_is_422_with_the_reason_and_in_the_history_and_may_be_sent_again()
    {
        await using var elsewhere = await postgres.CreateDatabaseAsync();
        await using var api = await HostAsync(elsewhere);
        var archive = await BundleAsync("bundle");
        var problem = await ApiHost.ReadAsync(await PostAsync(api, archive), 422, "release-failed-checks");
        Assert.Contains("import the catalogue first", problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
        var store = new ReleaseStore(elsewhere.DataSource);
        Assert.Equal(ReleaseState.Failed, Assert.Single(await store.ListAsync()).State);

        await TestReleases.LoadGoldenAsync(elsewhere);
        await TestVideos.InsertAsync(elsewhere, 1, 5);
        Assert.Equal("ready", (await ApiHost.ReadAsync(await PostAsync(api, archive), 200)).GetProperty("release").GetProperty("state").GetString());
    }

    [Fact]
    public async Task Another_bundle_of_the_same_version_and_one_that_is_retired_are_409()
    {
        await TestVideos.InsertAsync(_db, 1, 5);
        var one = await BundleAsync("one");
        TestBundles.EditManifest(Path.Combine(_folder.Path, "one"), manifest => manifest["model_version"] = "spring");
        one = await ArchiveAsync(Path.Combine(_folder.Path, "one"));
        await BundleAsync("two", seed: 2);
        TestBundles.EditManifest(Path.Combine(_folder.Path, "two"), manifest => manifest["model_version"] = "spring");
        var two = await ArchiveAsync(Path.Combine(_folder.Path, "two"));
        await ApiHost.ReadAsync(await PostAsync(_api, one), 201);
        Assert.Contains(
            "There is a release spring with other files",
            (await ApiHost.ReadAsync(await PostAsync(_api, two), 409, "bundle-conflict")).GetProperty("detail").GetString(), StringComparison.Ordinal);
        await _api.PostAsync("/v1/releases/spring/retire", new { }, 200);
        await _api.PostAsync("/v1/releases/prune", new { keep = 1 }, 200);
        Assert.Contains("is retired and doesn't come back", (await ApiHost.ReadAsync(await PostAsync(_api, one), 409, "bundle-conflict")).GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.Contains("its vectors are gone", (await _api.GetAsync("/v1/releases/spring/bundle", 409, "release-state")).GetProperty("detail").GetString(), StringComparison.Ordinal);
        await _api.GetAsync("/v1/releases/nope/bundle", 404, "unknown-release");
    }

    [Fact]
    public async Task Without_the_key_nothing_comes_and_nothing_goes()
    {
        var release = await TestReleases.ActivateAsync(_db, TestCheckpoints.Random());
        _api.Client.DefaultRequestHeaders.Authorization = new("Bearer", "wrong-horse-battery-staple");
        await _api.GetAsync($"/v1/releases/{release.ModelVersion}/bundle", 401);
        await ApiHost.ReadAsync(await PostAsync(_api, await BundleAsync("bundle")), 401);
        Assert.Single(await _store.ListAsync());
    }

    [Fact]
    public async Task A_HEAD_of_an_export_is_answered_without_making_the_archive()
    {
        var release = await TestReleases.ActivateAsync(_db, TestCheckpoints.Random());
        Directory.Delete(Underway);
        await File.WriteAllTextAsync(Underway, "an archive can't be made here");
        async Task<HttpResponseMessage> HeadAsync(string version)
        {
            using var request = new HttpRequestMessage(HttpMethod.Head, $"/v1/releases/{version}/bundle");
            return await _api.Client.SendAsync(request);
        }

        var head = await HeadAsync(release.ModelVersion);
        Assert.Equal((HttpStatusCode.OK, "application/x-tar"), (head.StatusCode, head.Content.Headers.ContentType?.MediaType));
        Assert.Equal($"{release.ModelVersion}.tar", head.Content.Headers.ContentDisposition?.FileName);
        Assert.Equal(HttpStatusCode.NotFound, (await HeadAsync("nope")).StatusCode);
    }

    [Fact]
    public async Task Where_there_is_no_room_for_a_bundle_it_is_507_and_says_where_to_make_some()
    {
        var release = await TestReleases.ActivateAsync(_db, TestCheckpoints.Random());
        Directory.Delete(Underway);
        await File.WriteAllTextAsync(Underway, "a file where a folder should be");
        Assert.Contains("TwoTower:Api:BundleFolder", (await _api.GetAsync($"/v1/releases/{release.ModelVersion}/bundle", 507, "no-room")).GetProperty("detail").GetString(), StringComparison.Ordinal);
        await ApiHost.ReadAsync(await PostAsync(_api, await BundleAsync("bundle")), 507, "no-room");
        Assert.Single(await _store.ListAsync());
    }

    [Fact]
    public async Task An_upload_that_breaks_off_registers_nothing_and_leaves_no_files()
    {
        var archive = await BundleAsync("bundle");
        var content = new Stalling(archive, archive.Length / 2);
        using var stop = new CancellationTokenSource();
        var sending = _api.Client.PostAsync("/v1/releases", content, stop.Token);
        await content.Stalled;
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending);
        await UntilAsync(() => Task.FromResult(!Left().Any()));
        Assert.Empty(await _store.ListAsync());
    }

    [Fact]
    public async Task A_client_that_leaves_once_its_bundle_is_sent_stops_nothing()
    {
        await TestVideos.InsertAsync(_db, 1, 5);
        var archive = await BundleAsync("bundle");
        await using var table = await LockedTable.LockAsync(_db, "public.videos");
        using var stop = new CancellationTokenSource();
        var sending = _api.Client.PostAsync("/v1/releases", Tar(archive), stop.Token);
        await UntilAsync(async () => (await _store.ListAsync()).Count == 1);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending);
        await table.DisposeAsync();
        await UntilAsync(async () => (await _store.ListAsync())[0].State == ReleaseState.Ready);
        await UntilAsync(() => Task.FromResult(!Left().Any()));
    }

    [Fact]
    public async Task An_import_that_the_services_end_stops_is_told_to_come_again_and_goes_on_then()
    {
        await TestVideos.InsertAsync(_db, 1, 5);
        var archive = await BundleAsync("bundle");
        await using (var table = await LockedTable.LockAsync(_db, "public.videos"))
        {
            var sending = PostAsync(_api, archive);
            await UntilAsync(async () => (await _store.ListAsync()).Count == 1);
            await table.WaitedForAsync();
            _api.Services.GetRequiredService<IHostApplicationLifetime>().StopApplication();
            await ApiHost.ReadAsync(await sending, 503, "stopping"); // and Retry-After
        }

        await using var another = await HostAsync(_db);
        await ApiHost.ReadAsync(await PostAsync(another, archive), 200);
        Assert.Equal(ReleaseState.Ready, Assert.Single(await _store.ListAsync()).State);
    }

    [Fact]
    public async Task A_third_bundle_at_a_time_is_told_to_come_again()
    {
        var archive = await BundleAsync("bundle");
        List<Stalling> uploads = [new(archive, 600), new(archive, 600)];
        var sending = uploads.Select(upload => _api.Client.PostAsync("/v1/releases", upload)).ToList();
        await UntilAsync(() => Task.FromResult(Left().Count() == 2));
        Assert.Contains("two bundles already", (await ApiHost.ReadAsync(await PostAsync(_api, archive), 409, "bundles-under-way")).GetProperty("detail").GetString(), StringComparison.Ordinal);
        foreach (var upload in uploads) upload.GoOn();
        foreach (var sent in await Task.WhenAll(sending)) Assert.NotEqual(HttpStatusCode.Conflict, sent.StatusCode);
        Assert.NotEqual(HttpStatusCode.Conflict, (await PostAsync(_api, archive)).StatusCode);
    }

    private async Task<ApiHost> HostAsync(TestDatabase db, Dictionary<string, string?>? settings = null)
    {
        var api = await ApiHost.StartAsync(db, new(settings ?? []) { ["TwoTower:Api:OperatorKey"] = Key, ["TwoTower:Api:BundleFolder"] = Underway });
        api.Client.DefaultRequestHeaders.Authorization = new("Bearer", Key);
        return api;
    }

    private async Task<byte[]> BundleAsync(string name, int seed = 1)
    {
        var path = Path.Combine(_folder.Path, name);
        await TestBundles.WriteOursAsync(path, TestCheckpoints.Random(seed: seed), TestBundles.ForeignVideos, Golden.AsOf);
        return await ArchiveAsync(path);
    }

    private static async Task<byte[]> ArchiveAsync(string directory)
    {
        using var stream = new MemoryStream();
        await BundleArchive.WriteAsync(directory, stream);
        return stream.ToArray();
    }

    private static Task<HttpResponseMessage> PostAsync(ApiHost api, byte[] archive, string query = "") =>
        api.Client.PostAsync($"/v1/releases{query}", Tar(archive));

    private static ByteArrayContent Tar(byte[] archive) => new(archive) { Headers = { ContentType = new("application/x-tar") } };

    private IEnumerable<string> Left() => Directory.EnumerateDirectories(Underway);

    private static async Task UntilAsync(Func<Task<bool>> met)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        while (!await met()) await Task.Delay(50, patience.Token);
    }

    /// <summary>A body that stops in the middle, until it is told to go on.</summary>
    private sealed class Stalling : HttpContent
    {
        private readonly byte[] _body;
        private readonly int _at;
        private readonly TaskCompletionSource _stalled = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _goOn = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Stalling(byte[] body, int at)
        {
            (_body, _at) = (body, at);
            Headers.ContentType = new MediaTypeHeaderValue("application/x-tar");
        }

        public Task Stalled => _stalled.Task;

        public void GoOn() => _goOn.TrySetResult();

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
            SerializeToStreamAsync(stream, context, default);

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
        {
            await stream.WriteAsync(_body.AsMemory(0, _at), cancellationToken);
            await stream.FlushAsync(cancellationToken);
            _stalled.TrySetResult();
            await _goOn.Task.WaitAsync(cancellationToken);
            await stream.WriteAsync(_body.AsMemory(_at), cancellationToken);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = _body.Length;
            return true;
        }
    }
}
