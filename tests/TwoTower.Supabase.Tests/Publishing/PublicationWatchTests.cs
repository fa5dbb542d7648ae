using TwoTower.Core;
using TwoTower.Core.Artifacts;
using TwoTower.Postgres.Releases;
using TwoTower.Supabase.Publishing;
using TwoTower.Supabase.Tests.Stores;
using TwoTower.Testing;

namespace TwoTower.Supabase.Tests.Publishing;

/// <summary>What the watcher puts back.</summary>
public sealed class PublicationWatchTests(PostgresFixture postgres, SupabaseServer server) : IAsyncLifetime
{
    private const string Place = "test";
    private readonly TemporaryFolder _folder = new();
    private readonly List<string> _said = [];
    private TestDatabase _db = null!;
    private TestStore _place = null!;
    private Publisher _publisher = null!;
    private PublicationWatch _watch = null!;

    public async ValueTask InitializeAsync()
    {
        _db = await postgres.CreateDatabaseAsync();
        await TestReleases.LoadGoldenAsync(_db);
        _place = await TestStore.OpenAsync("supabase", server);
        await _place.Store.PrepareAsync(_said.Add, default);
        _publisher = new(_place.Store, "v2", TimeProvider.System, _said.Add);
        _watch = new(_db.DataSource, _place.Store, _publisher, Place, (version, ct) => PublishAsync(version, null, ct), _said.Add);
    }

    public async ValueTask DisposeAsync()
    {
        if (_place is not null) await _place.DisposeAsync();
        await _db.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_damaged_publication_gives_way_to_the_one_before()
    {
        Assert.False(await _watch.LookAsync(default));
        var (one, two) = (await ActivateAsync(1), await ActivateAsync(2));
        await PublishAsync(one);
        await PublishAsync(two);
        Assert.False(await _watch.LookAsync(default));
        Assert.False(await _watch.LookAsync(default));

        Damage($"current/{ArtifactNames.UserTower}");
        Assert.True(await _watch.LookAsync(default));
        Assert.Equal(one, (await _publisher.CurrentAsync(default))!.ModelVersion);
        Assert.Null(await _publisher.FaultAsync("current", default));
        Assert.Contains(_said, line => line.Contains(one, StringComparison.Ordinal)
            && line.Contains(ArtifactNames.UserTower, StringComparison.Ordinal));
        Assert.False(await _watch.LookAsync(default));

        // There is none before it: the damaged copy is made anew.
        Damage("current/manifest.json");
        Assert.True(await _watch.LookAsync(default));
        Assert.Equal(one, (await _publisher.CurrentAsync(default))!.ModelVersion);
        Damage($"current/{ArtifactNames.UserTower}");
        Damage($"{one}/{ArtifactNames.UserTower}");
        Assert.Contains("publish again", (await Assert.ThrowsAsync<InputException>(() => _watch.LookAsync(default))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task When_the_live_release_is_rolled_back_so_is_the_publication()
    {
        var store = new ReleaseStore(_db.DataSource);
        var (one, two) = (await ActivateAsync(1), await ActivateAsync(2));
        await PublishAsync(one);
        await PublishAsync(two);
        Assert.False(await _watch.LookAsync(default));
        await store.RollbackAsync("test", "worse");
        Assert.True(await _watch.LookAsync(default));
        Assert.Equal(one, (await _publisher.CurrentAsync(default))!.ModelVersion);
        Assert.False(await _watch.LookAsync(default));

        // A release that goes live is no rollback: an operator publishes it.
        await store.ActivateAsync(two, "test", null);
        Assert.False(await _watch.LookAsync(default));
        Assert.Equal(one, (await _publisher.CurrentAsync(default))!.ModelVersion);
    }

    [Fact]
    public async Task A_release_that_was_never_published_is_published_when_it_is_gone_back_to()
    {
        var (one, two) = (await ActivateAsync(1), await ActivateAsync(2));
        await PublishAsync(two);
        await new ReleaseStore(_db.DataSource).RollbackAsync("test", "worse");
        Assert.True(await _watch.LookAsync(default));
        Assert.Equal(one, (await _publisher.CurrentAsync(default))!.ModelVersion);
    }

    /// <summary>Readers of v3/current can't read a release of v2.</summary>
    [Fact]
    public async Task A_release_of_another_generation_is_never_published_to_this_one()
    {
        var store = new ReleaseStore(_db.DataSource);
        var publisher = new Publisher(_place.Store, "v3", TimeProvider.System, _said.Add);
        var watch = new PublicationWatch(
            _db.DataSource, _place.Store, publisher, "v3", (version, ct) => PublishAsync(version, publisher, ct), _said.Add);
        var (old, first) = (await ActivateAsync(1), await ActivateAsync(2, "v3-first"));
        await PublishAsync(first, publisher);
        await store.RollbackAsync("test", "worse");
        Assert.False(await watch.LookAsync(default));
        Assert.False(await watch.LookAsync(default));
        Assert.Equal(first, (await publisher.CurrentAsync(default))!.ModelVersion);
        Assert.Single(_said, line => line.Contains("another generation", StringComparison.Ordinal) && line.Contains(old, StringComparison.Ordinal));

        // Nor what was withdrawn itself.
        var second = await ActivateAsync(3, "v3-second");
        await PublishAsync(second, publisher);
        await store.RollbackAsync("test", "worse");
        Assert.False(await watch.LookAsync(default));
        Assert.Equal(second, (await publisher.CurrentAsync(default))!.ModelVersion);

        // What this generation had before is gone back to: an operator chose it anew, and left it for another without going back.
        await store.ActivateAsync(first, "test", null);
        await store.ActivateAsync(old, "test", null);
        var third = await ActivateAsync(4, "v3-third");
        await PublishAsync(third, publisher);
        await store.RollbackAsync("test", "worse");
        Assert.True(await watch.LookAsync(default));
        Assert.Equal(first, (await publisher.CurrentAsync(default))!.ModelVersion);
        Assert.Null(await publisher.FaultAsync("current", default));
        Assert.Equal([first], await publisher.HistoryAsync(default));
    }

    [Fact]
    public async Task A_damaged_publication_gives_way_to_the_newest_before_it_that_was_not_withdrawn()
    {
        var (one, two) = (await ActivateAsync(1), await ActivateAsync(2));
        await PublishAsync(one);
        await PublishAsync(two);
        await new ReleaseStore(_db.DataSource).RollbackAsync("test", "worse");
        var three = await ActivateAsync(3);
        await PublishAsync(three);
        Assert.Equal([one, two, three], await _publisher.HistoryAsync(default));
        Damage($"current/{ArtifactNames.UserTower}");
        Assert.True(await _watch.LookAsync(default));
        Assert.Equal(one, (await _publisher.CurrentAsync(default))!.ModelVersion);
    }

    /// <summary>A look costs the same each minute: it needn't read again what never changes.</summary>
    [Fact]
    public async Task The_generation_of_a_release_is_read_once()
    {
        await ActivateAsync(1, "v3-live");
        var published = await ActivateAsync(2, "taste");
        await PublishAsync(published);
        await new ReleaseStore(_db.DataSource).RollbackAsync("test", "worse");
        Assert.False(await _watch.LookAsync(default));
        Assert.Single(_said, line => line.Contains("another generation", StringComparison.Ordinal));
        var before = Asked("GET", $"current/{ArtifactNames.FeatureSchema}");
        Assert.False(await _watch.LookAsync(default));
        Assert.Equal(before, Asked("GET", $"current/{ArtifactNames.FeatureSchema}"));
    }

    [Fact]
    public async Task A_folder_of_an_own_name_is_followed_within_its_generation()
    {
        var publisher = new Publisher(_place.Store, "v9", TimeProvider.System, _said.Add);
        var watch = new PublicationWatch(
            _db.DataSource, _place.Store, publisher, "v9", (version, ct) => PublishAsync(version, publisher, ct), _said.Add);
        var (one, two) = (await ActivateAsync(1), await ActivateAsync(2));
        await PublishAsync(two, publisher);
        await new ReleaseStore(_db.DataSource).RollbackAsync("test", "worse");
        Assert.True(await watch.LookAsync(default));
        Assert.Equal(one, (await publisher.CurrentAsync(default))!.ModelVersion);
    }

    [Theory]
    [InlineData(StandInBreak.Cut)]
    [InlineData(StandInBreak.Silent)]
    public async Task The_watcher_outlives_files_that_break_off_and_lets_go_of_the_lock(StandInBreak how)
    {
        var (one, two) = (await ActivateAsync(1), await ActivateAsync(2));
        await PublishAsync(one);
        await PublishAsync(two);
        var said = new System.Collections.Concurrent.ConcurrentQueue<string>();
        using var store = _place.With(TestStore.PatienceFor(how));
        var publisher = new Publisher(store, "v2", TimeProvider.System, said.Enqueue);
        var watch = new PublicationWatch(
            _db.DataSource, store, publisher, Place, (version, ct) => PublishAsync(version, publisher, ct), said.Enqueue);
        _place.StandIn!.Intercept = request => Task.FromResult(
            request.Method == "GET" && request.Path.EndsWith($"current/{ArtifactNames.UserTower}", StringComparison.Ordinal)
                ? new StandInFault(200, "x") { Break = how } : null);
        using var stop = new CancellationTokenSource();
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(5));
        var running = watch.RunAsync(TimeSpan.FromSeconds(0.5), TimeProvider.System, stop.Token);
        await SaysAsync("can't look");
        for (PublishLock? alone = null; alone is null;)
        {
            alone = await PublishLock.TryTakeAsync(_db.DataSource, Place, default);
            if (alone is not null) await alone.DisposeAsync();
            else await Task.Delay(10, patience.Token);
        }

        _place.StandIn.Intercept = null;
        Damage($"current/{ArtifactNames.UserTower}");
        await SaysAsync($"{one} is put back");
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);

        async Task SaysAsync(string text)
        {
            while (!said.Any(line => line.Contains(text, StringComparison.Ordinal)))
            {
                Assert.False(running.IsCompleted, running.Exception?.ToString());
                Assert.False(patience.IsCancellationRequested, $"It said: {string.Join('\n', said)}; not: {text}");
                await Task.Delay(10);
            }
        }
    }

    [Fact]
    public async Task What_a_publication_and_a_look_costs_is_what_the_page_says()
    {
        var one = await ActivateAsync(1);
        await PublishAsync(one);

        // Up once; down after it was written, after it was copied, and before, when there is none.
        Assert.Equal(1, Asked("POST", $"/{one}/{ArtifactNames.VideoEmbeddings}"));
        Assert.Equal((2, 1), (Asked("GET", $"/{one}/{ArtifactNames.VideoEmbeddings}"), Asked("GET", $"/current/{ArtifactNames.VideoEmbeddings}")));
        Assert.False(await _watch.LookAsync(default));
        var (gets, heads) = (Asked("GET", ""), Asked("HEAD", ""));
        Assert.False(await _watch.LookAsync(default));
        Assert.Equal(3, Asked("GET", "") - gets);
        Assert.Equal((await _publisher.CurrentAsync(default))!.Files.Count + 1, Asked("HEAD", "") - heads);
    }

    [Fact]
    public async Task While_somebody_publishes_the_watcher_waits()
    {
        var (one, two) = (await ActivateAsync(1), await ActivateAsync(2));
        await PublishAsync(one);
        await PublishAsync(two);
        Damage($"current/{ArtifactNames.UserTower}");
        await using (await PublishLock.TakeAsync(_db.DataSource, Place, default))
        {
            Assert.False(await _watch.LookAsync(default));
            await Assert.ThrowsAsync<InputException>(() => PublishLock.TakeAsync(_db.DataSource, Place, default));
        }

        Assert.True(await _watch.LookAsync(default));
    }

    [Fact]
    public async Task A_store_that_does_not_answer_or_refuses_is_no_damage()
    {
        var (one, two) = (await ActivateAsync(1), await ActivateAsync(2));
        await PublishAsync(one);
        await PublishAsync(two);
        foreach (var fault in new StandInFault[]
        {
            new(503), new(401, """{"message":"no"}""", Type: "application/json"),
            new(400, """{"statusCode":"403","error":"Unauthorized","message":"Invalid Compact JWS","code":"AccessDenied"}""", Type: "application/json"),
        })
        {
            _place.StandIn!.Intercept = _ => Task.FromResult<StandInFault?>(fault);
            await Assert.ThrowsAnyAsync<Exception>(() => _watch.LookAsync(default));
            _place.StandIn.Intercept = request =>
                Task.FromResult(request.Path.EndsWith(ArtifactNames.UserTower, StringComparison.Ordinal) ? fault : null);
            await Assert.ThrowsAnyAsync<Exception>(() => _watch.LookAsync(default));
            _place.StandIn.Intercept = null;
            Assert.Equal(two, (await _publisher.CurrentAsync(default))!.ModelVersion);
        }

        Assert.False(await _watch.LookAsync(default));
    }

    private async Task<string> ActivateAsync(int seed, string? name = null)
    {
        var checkpoint = TestCheckpoints.Random(16, seed);
        if (name is not null) checkpoint = checkpoint with { Recipe = checkpoint.Recipe with { Name = name } };
        return (await TestReleases.ActivateAsync(_db, checkpoint, new DateTimeOffset(2026, 1, seed, 0, 0, 0, TimeSpan.Zero))).ModelVersion;
    }

    private async Task PublishAsync(string version, Publisher? publisher = null, CancellationToken ct = default)
    {
        var folder = Path.Combine(_folder.Path, version);
        await (publisher ?? _publisher).PublishAsync(folder,
            await ReleaseExport.WriteAsync(_db.DataSource, version, folder, TimeProvider.System, ct: ct), null, ct);
    }

    private int Asked(string method, string end) =>
        _place.StandIn!.Requests.Count(request => request.Method == method && request.Path.EndsWith(end, StringComparison.Ordinal));

    private void Damage(string name) => _place.StandIn!.Storage.Damage("model-artifacts", $"two-tower/v2/{name}", "damaged"u8.ToArray());
}
