using TwoTower.Postgres.Experiments.Rollback;
using TwoTower.Postgres.Releases;
using TwoTower.Testing;

namespace TwoTower.Postgres.Tests.Experiments.Rollback;

/// <summary>
/// The rule of likes: what a release does shows in it, what clients choose doesn't. Release "a" was shown 40 minutes ago to 150 users, 10 videos
/// each, of which they liked two; "b", active for 20 minutes, 10 minutes ago, to 150 others.
/// </summary>
public sealed class RollbackLikesTests(PostgresFixture postgres) : IAsyncLifetime
{
    private static readonly RollbackOptions Options = new() { LikesInterval = TimeSpan.Zero, DecisionWithin = TimeSpan.FromSeconds(1) };

    private TestDatabase _db = null!;

    public async ValueTask InitializeAsync()
    {
        _db = await postgres.CreateDatabaseAsync();
        var store = new ReleaseStore(_db.DataSource);
        foreach (var version in new[] { "a", "b" })
        {
            await _db.ExecuteAsync($"insert into two_tower.releases (model_version, embedding_dim) values ('{version}', 4)");
            await store.TransitionAsync(version, ReleaseState.Embedding, "test", null);
            await TestReleases.WriteAsync(_db, await store.GetAsync(version), [Guid.NewGuid()], [1, 0, 0, 0]);
            await TestReleases.PassGateAsync(_db, version);
            await store.TransitionAsync(version, ReleaseState.Ready, "test", null);
            await store.ActivateAsync(version, "test", null);
        }

        await _db.ExecuteAsync("""
            select two_tower.impression_partition((now() at time zone 'UTC')::date - n) from generate_series(0, 1) n;
            update two_tower.active_release set activated_at = now() - interval '20 minutes';
            create table day as select date_trunc('second', now()) as zero;
            """);
        await ComeAsync("old", days: 30);
        await ShowAsync("a", "old", minutesAgo: 40);
        await LikeAsync("a", "old", "(u + v) % 5 = 0", minutesAgo: 40);
    }

    public async ValueTask DisposeAsync() => await _db.DisposeAsync();

    private Task ComeAsync(string users, double days, int count = 300) => _db.ExecuteAsync(
        $"insert into two_tower.user_arrivals select md5('{users}' || u)::uuid, now() - interval '{days} days' from generate_series(1, {count}) u");

    // Users 1 to 150 of the group for "a", 151 to 300 for "b".
    private Task ShowAsync(
        string release, string users, int minutesAgo, int videos = 10, int answers = 1, double milliseconds = 1, int count = 150) =>
        _db.ExecuteAsync($"""
            insert into two_tower.impressions (served_at, release_id, user_id, video_id, rank, strategy)
            select d.zero - interval '{minutesAgo} minutes' + n * interval '{milliseconds} milliseconds', r.release_id, md5('{users}' || u)::uuid,
                md5('v' || v)::uuid, v, 'two_tower'
            from day d, two_tower.releases r, generate_series(0, {answers - 1}) n,
                generate_series({First(release)}, {First(release) + count - 1}) u, generate_series(1, {videos}) v
            where r.model_version = '{release}'
            """);

    private Task LikeAsync(string release, string users, string which, int minutesAgo, int count = 150) => _db.ExecuteAsync($"""
        insert into user_video_decisions (user_id, video_id, decision_type, created_at)
        select md5('{users}' || u)::uuid, md5('v' || v)::uuid, 'like', d.zero - interval '{minutesAgo} minutes' + interval '500 ms'
        from day d, generate_series({First(release)}, {First(release) + count - 1}) u, generate_series(1, 10) v
        where {which}
        """);

    private static int First(string release) => release == "a" ? 1 : 151;

    private Task<RolledBack?> CheckAsync(RollbackOptions? options = null) =>
        new AutomaticRollback(_db.DataSource, options ?? Options).CheckAsync();

    [Fact]
    public async Task A_release_that_is_liked_much_less_is_left_and_the_reason_names_the_users()
    {
        await ShowAsync("b", "old", minutesAgo: 10);
        await LikeAsync("b", "old", "(u + v) % 50 = 0", minutesAgo: 10);
        Assert.Null(await CheckAsync(Options with { LikesMargin = 1 }));
        Assert.Null(await CheckAsync(Options with { MinUsers = 151 }));
        var done = await CheckAsync();
        Assert.Equal("likes_per_recommendation", done!.Reason.Rule);
        Assert.Equal((0.02, 0.2, 150L), (Math.Round(done.Reason.Live, 10), Math.Round(done.Reason.Previous, 10), done.Reason.Users));
        Assert.Equal("0.0200 likes per recommendation over 1,500, of 150 users; 0.2000 over 1,500 before", done.Reason.ToString());
    }

    [Theory]
    [InlineData(30)]
    [InlineData(.5)] // half a day before the activation, and so all of them
    public async Task It_is_left_whoever_looks_and_however_young_the_site_is(double days)
    {
        await _db.ExecuteAsync($"update two_tower.user_arrivals set arrived_at = now() - interval '{days} days'");
        await ShowAsync("b", "old", minutesAgo: 10, videos: 5); // shorter pages make nothing good
        await LikeAsync("b", "old", "(u + v) % 50 = 0", minutesAgo: 10);
        Assert.Equal("b", (await CheckAsync())!.Undone);
    }

    [Theory]
    [InlineData("users of a minute's age")]
    [InlineData("users of yesterday")]
    [InlineData("users who were old at once")]
    [InlineData("users of the same activation's second")]
    [InlineData("longer pages")]
    [InlineData("asking again")]
    [InlineData("asking all the time")]
    [InlineData("asking again after each like")]
    [InlineData("videos seen before")]
    public async Task What_clients_choose_leaves_no_release(string attack)
    {
        await ShowAsync("b", "old", minutesAgo: 10);
        await LikeAsync("b", "old", "(u + v) % 5 = 0", minutesAgo: 10);
        switch (attack)
        {
            case "users of a minute's age" or "users of yesterday":
                await ComeAsync("new", days: attack == "users of yesterday" ? 1 : 0.001, count: 450);
                await ShowAsync("b", "new", minutesAgo: 8, videos: 100, answers: 3);
                break;
            case "users who were old at once":
                // Their decisions say so themselves; the database says when they came.
                await ComeAsync("new", days: 0.001, count: 450);
                await _db.ExecuteAsync("""
                    insert into user_video_decisions (user_id, video_id, decision_type, created_at)
                    select md5('new' || u)::uuid, gen_random_uuid(), 'like', '2024-01-01' from generate_series(1, 450) u
                    """);
                await ShowAsync("b", "new", minutesAgo: 8, videos: 100, answers: 3);
                break;
            case "users of the same activation's second":
                await ComeAsync("new", days: 20.0 / 1440, count: 450);
                await _db.ExecuteAsync("update two_tower.user_arrivals u set arrived_at = a.activated_at from two_tower.active_release a where u.arrived_at > now() - interval '1 day'");
                await ShowAsync("b", "new", minutesAgo: 8, videos: 100);
                break;
            case "longer pages":
                await _db.ExecuteAsync("delete from two_tower.impressions i using two_tower.releases r where r.release_id = i.release_id and r.model_version = 'b'");
                await ShowAsync("b", "old", minutesAgo: 10, videos: 100);
                break;
            case "asking again":
                await ShowAsync("b", "old", minutesAgo: 10, answers: 100, milliseconds: 2);
                break;
            case "asking all the time":
                // One of them, twelve times: it is one of 150 all the same.
                foreach (var minutes in Enumerable.Range(1, 12)) await ShowAsync("b", "old", minutesAgo: minutes, videos: 100, answers: 5, count: 1);
                break;
            case "asking again after each like":
                // Two likes make room for two that weren't shown yet.
                await _db.ExecuteAsync("""
                    insert into two_tower.impressions (served_at, release_id, user_id, video_id, rank, strategy)
                    select d.zero - interval '10 minutes' + interval '600 ms' + n * interval '10 ms', r.release_id, md5('old' || u)::uuid, md5('x' || n || v)::uuid, v, 'two_tower'
                    from day d, two_tower.releases r, generate_series(1, 20) n, generate_series(151, 300) u, generate_series(1, 10) v
                    where r.model_version = 'b'
                    """);
                break;
            default:
                // What they liked of the release before, shown once more.
                await _db.ExecuteAsync("""
                    insert into two_tower.impressions (served_at, release_id, user_id, video_id, rank, strategy)
                    select d.zero - interval '10 minutes', r.release_id, x.user_id, x.video_id, 1, 'two_tower'
                    from day d, two_tower.releases r, user_video_decisions x
                    where r.model_version = 'b' and x.created_at < d.zero - interval '30 minutes'
                    """);
                break;
        }

        Assert.Null(await CheckAsync());
        var likes = await _db.ListAsync<double>(
            """
            select sum(l.weight * l.liked) / sum(l.weight)
            from two_tower.active_release a, two_tower.rollback_likes('b', 'a', a.activated_at, now(), '1 day', '1 second', '7 days') l
            group by l.is_live order by l.is_live
            """);
        Assert.Equal(0.2, likes[0], 10);
        Assert.InRange(likes[1], 0.1975, 0.2000001);
    }
}
