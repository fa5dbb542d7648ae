using System.Diagnostics;
using TwoTower.Core;
using TwoTower.Postgres.Releases;
using TwoTower.Postgres.Serving;
using TwoTower.Testing;

namespace TwoTower.Postgres.Tests.Serving;

/// <summary>Towers are loaded once and make room for each other.</summary>
[Collection(nameof(Alone))]
public sealed class TowerCacheTests(PostgresFixture postgres) : IAsyncLifetime
{
    private TestDatabase _db = null!;
    private int _loads;
    private ActivityListener _listener = null!;

    public async ValueTask InitializeAsync()
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

    public async ValueTask DisposeAsync()
    {
        await _db.DisposeAsync();
        _listener.Dispose();
    }

    [Fact]
    public async Task A_hundred_requests_at_once_load_a_tower_once()
    {
        var release = await TestReleases.ReadyAsync(_db, TestCheckpoints.Random());
        using var cache = new TowerCache(new ReleaseStore(_db.DataSource), 2);
        var towers =
            await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => Task.Run(() => cache.BorrowAsync(release.ModelVersion, default))));
        Assert.Single(towers.Select(borrowed => borrowed.Tower).Distinct());
        Assert.Equal(1, _loads);
    }

    [Fact]
    public async Task The_one_asked_for_longest_ago_makes_room_and_is_loaded_again_when_asked_for()
    {
        var releases = new List<Release>();
        for (var seed = 1; seed <= 3; seed++) releases.Add(await TestReleases.ReadyAsync(_db, TestCheckpoints.Random(seed: seed)));
        using var cache = new TowerCache(new ReleaseStore(_db.DataSource), 2);
        var payload = Golden.UserPayloads[0];
        var first = await EncodeAsync(0);
        await EncodeAsync(1);
        await EncodeAsync(0); // used again: the second is now the oldest
        await EncodeAsync(2);
        Assert.Equal(3, _loads);
        await EncodeAsync(0);
        Assert.Equal(3, _loads);
        await EncodeAsync(1);
        Assert.Equal(4, _loads);
        Assert.Equal(first, await EncodeAsync(0));

        async Task<float[]> EncodeAsync(int release)
        {
            using var borrowed = await cache.BorrowAsync(releases[release].ModelVersion, default);
            return borrowed.Tower.Encode(payload, Golden.AsOf);
        }
    }

    [Fact]
    public async Task A_tower_that_made_room_serves_those_who_have_it_and_is_freed_when_the_last_gives_it_back()
    {
        var old = await TestReleases.ReadyAsync(_db, TestCheckpoints.Random(seed: 1));
        var next = await TestReleases.ReadyAsync(_db, TestCheckpoints.Random(seed: 2));
        using var cache = new TowerCache(new ReleaseStore(_db.DataSource), 1);
        var one = await cache.BorrowAsync(old.ModelVersion, default);
        var other = await cache.BorrowAsync(old.ModelVersion, default);
        (await cache.BorrowAsync(next.ModelVersion, default)).Dispose();

        one.Dispose();
        one.Dispose(); // once more gives nothing of the other's back
        other.Tower.Encode(Golden.UserPayloads[0], Golden.AsOf);
        other.Dispose();
        Assert.Throws<ObjectDisposedException>(() => other.Tower.Encode(Golden.UserPayloads[0], Golden.AsOf));
    }

    [Fact]
    public async Task A_load_that_fails_is_tried_again()
    {
        using var cache = new TowerCache(new ReleaseStore(_db.DataSource), 2);
        for (var i = 0; i < 2; i++)
        {
            var error = await Assert.ThrowsAsync<InputException>(() => cache.BorrowAsync("no-such-release", default));
            Assert.Contains("no-such-release", error.Message, StringComparison.Ordinal);
        }

        Assert.Equal(2, _loads);
    }
}
