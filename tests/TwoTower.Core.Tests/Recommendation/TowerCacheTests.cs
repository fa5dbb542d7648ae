using System.Diagnostics;
using TwoTower.Core.Recommendation;
using TwoTower.Core.Releases;
using TwoTower.Testing;

namespace TwoTower.Core.Tests.Recommendation;

/// <summary>Towers are loaded once and make room for each other.</summary>
[Collection("postgres")]
public sealed class TowerCacheTests(PostgresFixture postgres) : IAsyncLifetime, IDisposable
{
    private TestDatabase _db = null!;
    private int _loads;
    private ActivityListener _listener = null!;

    public async Task InitializeAsync()
    {
        _db = await postgres.CreateDatabaseAsync();
        await TestReleases.LoadGoldenAsync(_db);
        _listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == ServingTelemetry.Name,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStarted = span =>
            {
                if (span.OperationName == "load tower") Interlocked.Increment(ref _loads);
            },
        };
        ActivitySource.AddActivityListener(_listener);
    }

    public async Task DisposeAsync() => await _db.DisposeAsync();

    public void Dispose() => _listener.Dispose();

    [Fact]
    public async Task A_hundred_requests_at_once_load_a_tower_once()
    {
        var release = await TestReleases.ReadyAsync(_db, TestCheckpoints.Random());
        using var cache = new TowerCache(new ReleaseStore(_db.DataSource), 2);
        var towers = await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => Task.Run(() => cache.GetAsync(release.ModelVersion, default))));
        Assert.Single(towers.Distinct());
        Assert.Equal(1, _loads);
    }

    [Fact]
    public async Task The_one_asked_for_longest_ago_makes_room_and_is_loaded_again_when_asked_for()
    {
        var releases = new List<Release>();
        for (var seed = 1; seed <= 3; seed++) releases.Add(await TestReleases.ReadyAsync(_db, TestCheckpoints.Random(seed: seed)));
        using var cache = new TowerCache(new ReleaseStore(_db.DataSource), 2);
        var payload = Golden.UserPayloads[0];
        var first = (await cache.GetAsync(releases[0].ModelVersion, default)).Encode(payload, Golden.AsOf);
        await cache.GetAsync(releases[1].ModelVersion, default);
        await cache.GetAsync(releases[0].ModelVersion, default); // used again: the second is now the oldest
        await cache.GetAsync(releases[2].ModelVersion, default);
        Assert.Equal(3, _loads);
        await cache.GetAsync(releases[0].ModelVersion, default);
        Assert.Equal(3, _loads);
        await cache.GetAsync(releases[1].ModelVersion, default);
        Assert.Equal(4, _loads);
        Assert.Equal(first, (await cache.GetAsync(releases[0].ModelVersion, default)).Encode(payload, Golden.AsOf));
    }

    [Fact]
    public async Task A_load_that_fails_is_tried_again()
    {
        using var cache = new TowerCache(new ReleaseStore(_db.DataSource), 2);
        for (var i = 0; i < 2; i++)
        {
            var error = await Assert.ThrowsAsync<InputException>(() => cache.GetAsync("no-such-release", default));
            Assert.Contains("no-such-release", error.Message, StringComparison.Ordinal);
        }

        Assert.Equal(2, _loads);
    }
}
