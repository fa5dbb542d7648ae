using TwoTower.Core;
using TwoTower.Postgres.Experiments.Rollback;
using TwoTower.Postgres.Releases;
using TwoTower.Testing;

namespace TwoTower.Postgres.Tests.Experiments.Rollback;

/// <summary>Going back by itself, in the database: once an activation, whoever decides; recorded; and for good.</summary>
public sealed class AutomaticRollbackTests(PostgresFixture postgres) : IAsyncLifetime
{
    private static readonly RollbackOptions Options = new() { LikesInterval = TimeSpan.Zero, DecisionWithin = TimeSpan.FromSeconds(1) };

    private TestDatabase _db = null!;
    private ReleaseStore _store = null!;

    public async ValueTask InitializeAsync()
    {
        _db = await postgres.CreateDatabaseAsync();
        _store = new(_db.DataSource);
        foreach (var version in new[] { "a", "b", "c" })
        {
            await _db.ExecuteAsync($"insert into two_tower.releases (model_version, embedding_dim) values ('{version}', 4)");
            await _store.TransitionAsync(version, ReleaseState.Embedding, "test", null);
            var release = await _store.GetAsync(version);
            await TestReleases.WriteAsync(_db, release, [Guid.NewGuid()], [1, 0, 0, 0]);
            await TestReleases.PassGateAsync(_db, version);
            await _store.TransitionAsync(version, ReleaseState.Ready, "test", null);
        }

        await _store.ActivateAsync("a", "test", null);
        await CountAsync("a", answers: 10_000, empty: 50, failed: 5, minutesAgo: 60);
        await _store.ActivateAsync("b", "alice", "better");
    }

    public async ValueTask DisposeAsync() => await _db.DisposeAsync();

    // Each failure is another user's, unless there are fewer of them.
    private Task CountAsync(string release, int answers, int empty = 0, int failed = 0, int minutesAgo = 0, int users = int.MaxValue) => _db.ExecuteAsync($"""
        with at as (
            select r.release_id, a.activation_id, date_trunc('minute', clock_timestamp()) - interval '{minutesAgo} minutes' as minute
            from two_tower.releases r, two_tower.active_release a where r.model_version = '{release}'
        ), faults as (
            insert into two_tower.serving_faults
            select at.*, k.kind, md5(format('%s %s', release_id, n % {users}))::uuid
            from at, (values ('failed', {failed}), ('empty', {empty})) as k (kind, times), generate_series(1, k.times) n
            on conflict do nothing
        )
        insert into two_tower.serving_counts select at.*, {answers}, {empty}, {failed} from at
        on conflict (release_id, activation_id, minute) do update set answers = excluded.answers, empty = excluded.empty, failed = excluded.failed
        """);

    private Task<RolledBack?> CheckAsync(RollbackOptions? options = null) =>
        new AutomaticRollback(_db.DataSource, options ?? Options).CheckAsync();

    private async Task<string> ActiveAsync() => (await _store.GetActiveAsync())!.ModelVersion;

    [Fact]
    public async Task A_release_that_fails_requests_is_left_and_the_history_has_the_numbers()
    {
        Assert.Null(await CheckAsync());
        await CountAsync("b", answers: 100, failed: 300);
        var done = await CheckAsync();
        Assert.Equal(("a", "b", "errors"), (done!.ModelVersion, done.Undone, done.Reason.Rule));
        Assert.Equal("a", await ActiveAsync());

        var activations = await new ActivationHistory(_db.DataSource).ReadAsync("b");
        Assert.Equal([("a", "automatic rollback", true), ("b", "alice", false)], activations.Select(activation => (activation.ModelVersion, activation.Actor, activation.IsRollback)));
        Assert.Equal((activations[1].Id, "b"), (activations[0].Undid, activations[0].Previous));
        Assert.Equal("75.0% of 400 requests failed because of the release, for 300 users; 0.0% of 10,005 before", activations[0].Reason);
        var numbers = activations[0].Numbers!.Value;
        Assert.Equal(0.75, numbers.GetProperty("reason").GetProperty("live").GetDouble());
        Assert.Equal(0.02, numbers.GetProperty("options").GetProperty("error_margin").GetDouble());
        Assert.Equal("automatic rollback", (await _store.HistoryAsync("a"))[^1].Actor);

        // What it went back to isn't watched in its turn, whatever becomes of it.
        await CountAsync("a", answers: 0, failed: 10_000);
        Assert.Null(await CheckAsync());
    }

    [Fact]
    public async Task What_it_answered_before_its_activation_to_an_experiments_users_does_not_count()
    {
        await _store.ActivateAsync("a", "test", null);
        await CountAsync("b", answers: 100_000);
        await _store.ActivateAsync("b", "test", null);
        await CountAsync("b", answers: 100, failed: 200);
        Assert.Equal(300, (await CheckAsync())!.Reason.LiveCount);
    }

    [Fact]
    public async Task A_release_that_finds_nothing_is_left()
    {
        await CountAsync("b", answers: 400, empty: 200);
        Assert.Equal("empty_answers", (await CheckAsync())!.Reason.Rule);
        Assert.Equal("a", await ActiveAsync());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(19)]
    public async Task What_a_few_users_meet_however_often_leaves_no_release(int users)
    {
        await CountAsync("b", answers: 100, failed: 5_000, users: users);
        Assert.Null(await CheckAsync());
        await CountAsync("b", answers: 5_000, empty: 4_900, users: users);
        Assert.Null(await CheckAsync());
        Assert.Equal("b", await ActiveAsync());
    }

    [Fact]
    public async Task A_user_counts_once_a_minute_however_often_it_asks()
    {
        // 20 users, 250 times each: 20 failures of 1,020 requests are within the margin.
        await CountAsync("b", answers: 1_000, failed: 5_000, users: 20);
        Assert.Null(await CheckAsync());
        await _db.ExecuteAsync("delete from two_tower.serving_faults");
        await CountAsync("b", answers: 50, failed: 5_000, users: 20);
        Assert.Equal((70L, 20L), await CheckAsync() is { } done ? (done.Reason.LiveCount, done.Reason.Users) : default);
        Assert.Equal(20, (await new ActivationHistory(_db.DataSource).ReadAsync("b"))[0].Numbers!.Value.GetProperty("reason").GetProperty("users").GetInt32());
    }

    [Fact]
    public async Task Many_replicas_that_decide_at_once_go_back_once()
    {
        await _store.ActivateAsync("c", "alice", null);
        await CountAsync("b", answers: 10_000, minutesAgo: 5);
        await CountAsync("c", answers: 0, failed: 500);
        var done = await Task.WhenAll(Enumerable.Range(0, 12).Select(_ => Task.Run(() => CheckAsync())));
        Assert.Equal(("b", "c"), Assert.Single(done.Where(rollback => rollback is not null).Select(rollback => (rollback!.ModelVersion, rollback.Undone))));
        Assert.Equal("b", await ActiveAsync());
        Assert.Equal(1L, await _db.ScalarAsync<long>("select count(*) from two_tower.activations where undid_activation_id is not null"));
    }

    [Fact]
    public async Task A_decision_that_comes_after_an_operator_moved_on_does_nothing()
    {
        var judged = await _db.ScalarAsync<long>("select activation_id from two_tower.active_release");
        await _store.ActivateAsync("c", "bob", null);
        Assert.Equal(1L, await _db.ScalarAsync<long>($"select count(*) from two_tower.undo_activation({judged}, 'late', 'x', '{{}}') u where u.model_version is null"));
        Assert.Equal("c", await ActiveAsync());
    }

    [Fact]
    public async Task What_lost_is_activated_again_by_hand_only_and_then_left_alone()
    {
        await CountAsync("b", answers: 0, failed: 400);
        Assert.NotNull(await CheckAsync());
        var refused = await Assert.ThrowsAsync<InputException>(() => _store.ActivateAfterAsync("b", "a", "embedder", "passed the gate (run 3)"));
        Assert.Equal(
            "Release b was rolled back automatically (100.0% of 400 requests failed because of the release, for 400 users; 0.0% of 10,005 before): it is activated again by hand only.",
            refused.Message);
        Assert.Equal("a", await ActiveAsync());

        await _store.ActivateAsync("b", "alice", "the network was down, not the model");
        Assert.Null(await CheckAsync());
        Assert.Equal("b", await ActiveAsync());

        // Another release is activated by itself and watched as ever, beside what b did meanwhile.
        await CountAsync("b", answers: 10_000, failed: 400, minutesAgo: 1);
        Assert.NotNull(await _store.ActivateAfterAsync("c", "b", "embedder", null));
        await CountAsync("c", answers: 0, failed: 400);
        Assert.Equal("c", (await CheckAsync())!.Undone);
    }

    [Fact]
    public async Task After_the_window_and_without_a_way_back_nothing_happens()
    {
        await CountAsync("b", answers: 0, failed: 400);
        await _db.ExecuteAsync("update two_tower.active_release set activated_at = activated_at - interval '3 hours'");
        Assert.Null(await CheckAsync());
        await _db.ExecuteAsync("update two_tower.active_release set activated_at = clock_timestamp() - interval '1 minute'");
        await new ReleaseRetention(_db.DataSource, TimeProvider.System).RetireAsync("a", "test", null);
        Assert.Null(await CheckAsync());
        Assert.Equal("b", await ActiveAsync());
    }

    [Fact]
    public async Task Likes_are_looked_at_by_one_replica_at_a_time()
    {
        Task<bool> ClaimAsync(string every) => _db.ScalarAsync<bool>($"select two_tower.claim_rollback_check('{every}')");
        Assert.Single(await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => ClaimAsync("5 minutes"))), claimed => claimed);
        Assert.False(await ClaimAsync("5 minutes"));
        Assert.True(await ClaimAsync("0 seconds"));
    }
}
