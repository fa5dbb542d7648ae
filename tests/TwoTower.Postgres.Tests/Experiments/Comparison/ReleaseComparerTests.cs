using TwoTower.Core;
using TwoTower.Postgres.Experiments.Comparison;
using TwoTower.Testing;

namespace TwoTower.Postgres.Tests.Experiments.Comparison;

/// <summary>Which decisions count for which recommendation, in the database.</summary>
public sealed class ReleaseComparerTests(PostgresFixture postgres) : IAsyncLifetime
{
    private TestDatabase _db = null!;
    private ReleaseComparer _comparer = null!;

    public async ValueTask InitializeAsync()
    {
        _db = await postgres.CreateDatabaseAsync();
        _comparer = new(_db.DataSource);
        await _db.ExecuteAsync("""
            insert into two_tower.releases (model_version, embedding_dim) values ('a', 4), ('b', 4);
            insert into videos (id) select lpad(to_hex(n), 32, '0')::uuid from generate_series(1, 20) n;
            select two_tower.impression_partition((now() at time zone 'UTC')::date - n) from generate_series(0, 5) n
            """);
    }

    public async ValueTask DisposeAsync() => await _db.DisposeAsync();

    /// <summary>Rank 0 is an answer without videos. <paramref name="hours"/>: how many hours ago.</summary>
    private Task ShowAsync(string release, int user, double hours, params int[] videos) => _db.ExecuteAsync($"""
        insert into two_tower.impressions (served_at, release_id, user_id, video_id, rank, strategy, experiment_id)
        select now() - interval '{hours} hours', (select release_id from two_tower.releases where model_version = '{release}'), '{Id(user)}', v.id, v.rank, 'two_tower', 1
        from (values {(videos.Length == 0 ? "(null::uuid, 0)" : string.Join(", ", videos.Select((video, i) => $"('{Id(video)}'::uuid, {i + 1})")))}) as v (id, rank)
        """);

    private Task DecideAsync(int user, int video, string decision, double hours) => _db.ExecuteAsync($"""
        insert into user_video_decisions (user_id, video_id, decision_type, created_at)
        values ('{Id(user)}', '{Id(video)}', '{decision}', now() - interval '{hours} hours')
        """);

    private static Guid Id(int n) => new($"00000000-0000-0000-0000-{n:x12}");

    [Fact]
    public async Task A_decision_counts_for_the_last_impression_of_its_video_and_only_the_first_one_within_a_day()
    {
        await ShowAsync("a", 1, 50, 1, 2, 3, 4);
        await ShowAsync("b", 1, 40, 2, 5);
        await DecideAsync(1, 1, "like", 27);       // 23 hours after: a's
        await DecideAsync(1, 2, "like", 39);       // shown by both, b last: b's
        await DecideAsync(1, 3, "nope", 49);       // a's
        await DecideAsync(1, 3, "like", 48);       // the second thought doesn't count
        await DecideAsync(1, 4, "like", 25);       // 25 hours after: nobody's
        await DecideAsync(1, 5, "like", 41);       // before it was shown: nobody's
        await DecideAsync(1, 6, "like", 45);       // never shown
        await DecideAsync(2, 1, "like", 45);       // another user, who was shown nothing

        var compared = await _comparer.CompareAsync("a", "b");
        Assert.Equal(new ComparedRelease("a", 1, 1, 4, Likes: 1, Nopes: 1, Videos: 4), compared.A);
        Assert.Equal(new ComparedRelease("b", 1, 1, 2, Likes: 1, Nopes: 0, Videos: 2), compared.B);
        Assert.Equal(1, compared.UsersInBoth);
        Assert.Equal([0.25, 0.25, 0.2, 0], compared.Metrics.Select(metric => metric.A!.Value));
        Assert.Equal([0.5, 0, 0.1, 0], compared.Metrics.Select(metric => metric.B!.Value));
        Assert.Contains("a has 1 users: with fewer than 30 the intervals are narrower than they should be", compared.Notes);
    }

    [Fact]
    public async Task Shown_again_a_video_counts_again_and_its_like_once()
    {
        await ShowAsync("a", 1, 10, 1, 2);
        await ShowAsync("a", 1, 9, 1, 3);
        await ShowAsync("a", 1, 8);
        await DecideAsync(1, 1, "like", 8.5);
        var compared = await _comparer.CompareAsync("a", "b");
        Assert.Equal(new ComparedRelease("a", 1, Answers: 3, Recommendations: 4, 1, 0, Videos: 3), compared.A);
        Assert.Equal(1.0 / 3, compared.Metrics.Single(metric => metric.Name == "empty_answers").A!.Value, 12);
        Assert.Equal("no recommendation of b is recorded in this time (TwoTower:Impressions says whose are)", compared.Notes[^1]);
    }

    [Fact]
    public async Task Since_and_an_experiment_narrow_what_counts()
    {
        await ShowAsync("a", 1, 50, 1);
        await ShowAsync("a", 1, 10, 2);
        await ShowAsync("b", 2, 10, 2);
        await DecideAsync(1, 1, "like", 49);
        await DecideAsync(2, 2, "like", 9);
        var compared = await _comparer.CompareAsync("a", "b", DateTimeOffset.UtcNow.AddHours(-24));
        Assert.Equal((1, 0), (compared.A.Recommendations, compared.A.Likes));

        await _db.ExecuteAsync("""
            insert into two_tower.experiments (name, release_id, model_version, share, salt, started_by) values ('one', 2, 'b', 0.5, 's', 't');
            update two_tower.impressions set experiment_id = null where served_at < now() - interval '20 hours'
            """);
        compared = await _comparer.CompareAsync("a", "b", DateTimeOffset.UnixEpoch, experiment: "one");
        Assert.Equal((1, 0, 1, 1), (compared.A.Recommendations, compared.A.Likes, compared.B.Recommendations, compared.B.Likes));
        await Assert.ThrowsAsync<InputException>(() => _comparer.CompareAsync("a", "b", experiment: "nope"));
        await Assert.ThrowsAsync<InputException>(() => _comparer.CompareAsync("a", "c"));
        await Assert.ThrowsAsync<InputException>(() => _comparer.CompareAsync("a", "a"));
    }

    [Fact]
    public async Task Decisions_find_their_impressions_by_the_index()
    {
        await _db.ExecuteAsync("""
            insert into two_tower.impressions (served_at, release_id, user_id, video_id, rank, strategy)
            select now() - interval '1 hour' * (n % 24), 1 + n % 2, md5((n % 2000)::text)::uuid, md5((n % 997)::text)::uuid, 1 + n % 20, 'two_tower' from generate_series(1, 60000) n;
            insert into user_video_decisions (user_id, video_id, decision_type, created_at)
            select md5((n % 2000)::text)::uuid, md5((n % 997)::text)::uuid, 'like', now() - interval '1 minute' * n from generate_series(1, 2000) n;
            analyze
            """);
        var plans = await Serving.SearchWorld.PlansAsync(
            _db, "select sum(likes) from two_tower.release_outcomes('a', now() - interval '7 days', now(), interval '24 hours', null)");
        Assert.Contains("user_id_video_id_served_at_idx", plans, StringComparison.Ordinal);
        Assert.NotEqual(0, (await _comparer.CompareAsync("a", "b")).A.Likes);
    }
}
