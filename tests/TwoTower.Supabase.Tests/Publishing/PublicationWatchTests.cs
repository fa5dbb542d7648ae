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
        _watch = new(_db.DataSource, _place.Store, _publisher, Place, (version, ct) => PublishAsync(version, ct), _said.Add);
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

    private async Task<string> ActivateAsync(int seed) =>
        (await TestReleases.ActivateAsync(_db, TestCheckpoints.Random(16, seed),
            new DateTimeOffset(2026, 1, seed, 0, 0, 0, TimeSpan.Zero))).ModelVersion;

    private async Task PublishAsync(string version, CancellationToken ct = default)
    {
        var folder = Path.Combine(_folder.Path, version);
        await _publisher.PublishAsync(folder,
            await ReleaseExport.WriteAsync(_db.DataSource, version, folder, TimeProvider.System, ct: ct), null, ct);
    }

    private void Damage(string name) => _place.StandIn!.Storage.Damage("model-artifacts", $"two-tower/v2/{name}", "damaged"u8.ToArray());
}
