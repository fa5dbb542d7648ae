using Npgsql;
using TwoTower.Core;
using TwoTower.Core.Artifacts;
using TwoTower.Postgres.Releases;
using TwoTower.Testing;

namespace TwoTower.Postgres.Tests.Releases;

/// <summary>Going back, retiring, pruning, pins, and operators who get into each other's way.</summary>
public sealed class ReleaseRetentionTests(PostgresFixture postgres) : IAsyncLifetime
{
    private readonly List<Release> _releases = [];
    private TestDatabase _db = null!;
    private ReleaseStore _store = null!;

    private ReleaseRetention Retention => new(_db.DataSource, TimeProvider.System);

    public async ValueTask InitializeAsync()
    {
        _db = await postgres.CreateDatabaseAsync();
        _store = new(_db.DataSource);
        await TestVideos.InsertAsync(_db, 1, 20);
    }

    public async ValueTask DisposeAsync() => await _db.DisposeAsync();

    private async Task MakeAsync(int count)
    {
        for (var i = 0; i < count; i++) _releases.Add(
            await TestReleases.ReadyAsync(_db, TestCheckpoints.Random(seed: _releases.Count + 1), Golden.AsOf.AddMinutes(_releases.Count)));
    }

    private Task<Activation> ActivateAsync(int release) => _store.ActivateAsync(_releases[release].ModelVersion, "test", null);

    private async Task<int> RollbackAsync() => Number((await _store.RollbackAsync("test", null)).ModelVersion);

    private int Number(string? version) => _releases.FindIndex(release => release.ModelVersion == version);

    private Task<long> TablesAsync() => _db.ScalarAsync<long>("select count(*) from pg_tables where schemaname = 'two_tower' and tablename ~ '^video_embeddings_[0-9]+$'");

    [Fact]
    public async Task Rolling_back_goes_further_back_each_time_and_past_what_is_gone()
    {
        await MakeAsync(4);
        foreach (var release in new[] { 0, 1, 2, 3 }) await ActivateAsync(release);
        Assert.Equal(2, await RollbackAsync());
        Assert.Equal(1, await RollbackAsync());
        Assert.Equal((0, 0), (await RollbackAsync(), Number((await _store.GetActiveAsync())!.ModelVersion)));
        var error = await Assert.ThrowsAsync<InputException>(RollbackAsync);
        Assert.Contains("There is nothing to roll back to", error.Message, StringComparison.Ordinal);

        // On again to 3, and the two before it are retired: the way back leads past them.
        await ActivateAsync(2);
        await ActivateAsync(1);
        await ActivateAsync(3);
        await Retention.RetireAsync(_releases[1].ModelVersion, "test", null);
        await Retention.RetireAsync(_releases[2].ModelVersion, "test", null);
        Assert.Equal(0, await RollbackAsync());
    }

    [Fact]
    public async Task A_rollback_is_recorded_as_one_with_who_and_why()
    {
        await MakeAsync(2);
        await ActivateAsync(0);
        await ActivateAsync(1);
        Assert.Equal((_releases[0].ModelVersion, _releases[1].ModelVersion), await _store.RollbackAsync("alice", "empty answers"));
        Assert.Equal(
            ["false test", "false test", "true alice empty answers"],
            await _db.ListAsync<string>("select concat_ws(' ', is_rollback::text, actor, reason) from two_tower.activations order by activation_id"));
        var back = (await _store.HistoryAsync(_releases[0].ModelVersion))[^1];
        Assert.Equal((ReleaseState.Active, "alice", "empty answers"), (back.To, back.Actor, back.Reason));
    }

    [Fact]
    public async Task Two_operators_who_roll_back_at_once_go_back_one_after_the_other()
    {
        await MakeAsync(3);
        foreach (var release in new[] { 0, 1, 2 }) await ActivateAsync(release);
        var results = await Task.WhenAll(_store.RollbackAsync("a", null), _store.RollbackAsync("b", null));
        Assert.Equal([0, 1], results.Select(result => Number(result.ModelVersion)).Order());
        Assert.Equal(0, Number((await _store.GetActiveAsync())!.ModelVersion));
    }

    [Fact]
    public async Task What_runs_by_itself_does_not_activate_over_another_activation()
    {
        await MakeAsync(3);
        Assert.NotNull(await _store.ActivateAfterAsync(_releases[0].ModelVersion, null, "embedder", null));

        // Both were measured against 0; the operator is first.
        await ActivateAsync(1);
        Assert.Null(await _store.ActivateAfterAsync(_releases[2].ModelVersion, _releases[0].ModelVersion, "embedder", null));
        Assert.Equal(1, Number((await _store.GetActiveAsync())!.ModelVersion));
        Assert.True((await _store.ActivateAfterAsync(_releases[2].ModelVersion, _releases[1].ModelVersion, "embedder", null))!.Changed);
        Assert.False((await _store.ActivateAfterAsync(_releases[2].ModelVersion, _releases[1].ModelVersion, "embedder", null))!.Changed);
    }

    [Fact]
    public async Task Two_operators_who_activate_at_once_both_succeed_and_one_is_served()
    {
        await MakeAsync(2);
        var results = await Task.WhenAll(ActivateAsync(0), ActivateAsync(1));
        Assert.All(results, activation => Assert.True(activation.Changed));
        Assert.Single(results, activation => activation.Previous is null);
        Assert.Single(await _store.ListAsync(), release => release.State == ReleaseState.Active);
    }

    [Fact]
    public async Task An_activation_or_a_retirement_while_an_embedder_still_writes_is_refused()
    {
        await MakeAsync(2);
        await ActivateAsync(0);
        var writing = _releases[1];
        await _store.TransitionAsync(writing.ModelVersion, ReleaseState.Embedding, "embedder", null);
        await _db.ExecuteAsync(
            $"insert into two_tower.release_embeddings (release_id, lease_owner, lease_until) values ({writing.Id}, 'host/1', clock_timestamp() + interval '1 minute')");
        Assert.Contains("is embedding and cannot be activated", (await Assert.ThrowsAsync<InputException>(() => ActivateAsync(1))).Message, StringComparison.Ordinal);
        Assert.Contains("is being embedded by host/1: stop that first",
            (await Assert.ThrowsAsync<InputException>(() => Retention.RetireAsync(writing.ModelVersion, "test", null))).Message, StringComparison.Ordinal);

        // A holder that fell silent is no obstacle.
        await _db.ExecuteAsync("update two_tower.release_embeddings set lease_until = clock_timestamp() - interval '1 second'");
        Assert.True(await Retention.RetireAsync(writing.ModelVersion, "test", null));
        Assert.Equal(1, await TablesAsync());
    }

    [Fact]
    public async Task Retiring_does_not_make_readers_wait_and_what_is_left_goes_with_the_next_prune()
    {
        await MakeAsync(2);
        await ActivateAsync(1);
        await using (var reader = await _db.DataSource.OpenConnectionAsync())
        await using (var transaction = await reader.BeginTransactionAsync())
        {
            await using (var command = new NpgsqlCommand($"select count(*) from {_releases[0].Table}", reader)) await command.ExecuteScalarAsync();
            await using var drop = _db.DataSource.CreateCommand($"select two_tower.retire_release('{_releases[0].ModelVersion}', 'test', null)");
            await drop.ExecuteScalarAsync();
            Assert.False(await _db.ScalarAsync<bool>($"select two_tower.drop_retired_vectors({_releases[0].Id}, 50)"));

            // Nobody stands in a queue behind the drop: another reader gets through.
            Assert.Equal(20L, await _db.ScalarAsync<long>($"set statement_timeout = '5s'; select count(*) from {_releases[0].Table}"));
            var pruning = await Retention.PruneAsync(1, "test", dryRun: false);
            Assert.Equal([_releases[0].ModelVersion], pruning.Undropped);
        }

        Assert.Empty((await Retention.PruneAsync(1, "test", dryRun: false)).Undropped);
        Assert.Equal(1, await TablesAsync());
        Assert.Equal(ReleaseState.Retired, (await _store.GetAsync(_releases[0].ModelVersion)).State);
    }

    [Fact]
    public async Task The_active_release_its_predecessor_and_pinned_ones_survive_a_prune()
    {
        await MakeAsync(6);
        await ActivateAsync(0);
        await ActivateAsync(2);
        await Retention.PinAsync(_releases[1].ModelVersion, "alice", "the report");
        await _store.FailAsync(_releases[3].ModelVersion, "test", "broken");

        var plan = await Retention.PruneAsync(1, "test", dryRun: true);
        Assert.Equal([3, 4], plan.Retired.Select(Number));
        Assert.Equal(6, await TablesAsync());
        Assert.Equal(
            [(0, "rollback leads to it"), (1, "pinned by alice: the report"), (2, "active"), (5, "one of the newest 1")],
            plan.Kept.Select(kept => (Number(kept.ModelVersion), kept.Why)).Order());

        Assert.Equal([3, 4], (await Retention.PruneAsync(1, "test", dryRun: false)).Retired.Select(Number));
        Assert.Equal(4, await TablesAsync());
        Assert.Empty((await Retention.PruneAsync(1, "test", dryRun: false)).Retired);
        Assert.Contains("is pinned and cannot be retired",
            (await Assert.ThrowsAsync<InputException>(() => Retention.RetireAsync(_releases[1].ModelVersion, "test", null))).Message, StringComparison.Ordinal);
        Assert.True(await Retention.UnpinAsync(_releases[1].ModelVersion));
        Assert.False(await Retention.UnpinAsync(_releases[1].ModelVersion));
        Assert.True(await Retention.RetireAsync(_releases[1].ModelVersion, "test", null));
        Assert.Contains("cannot go from active to retired",
            (await Assert.ThrowsAsync<InputException>(() => Retention.RetireAsync(_releases[2].ModelVersion, "test", null))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pruning_frees_the_vectors_and_files_of_what_is_retired_and_says_how_much_and_the_history_stays()
    {
        await MakeAsync(4);
        await ActivateAsync(3);
        await Retention.RetireAsync(_releases[0].ModelVersion, "test", null);
        var files = await _store.FilesAsync(_releases[0].ModelVersion);
        var history = await _store.HistoryAsync(_releases[0].ModelVersion);

        // 0 is retired already and has files still; 1 goes now; 2 and 3 stay.
        var plan = await Retention.PruneAsync(2, "test", dryRun: true);
        Assert.Equal([(0, true), (1, false)], plan.Freed.Select(freed => (Number(freed.ModelVersion), freed.VectorBytes == 0)));
        Assert.Equal(files.Sum(file => file.Size), plan.Freed[0].FileBytes);
        Assert.Equal((await _store.FilesAsync(_releases[1].ModelVersion)).Sum(file => file.Size), plan.Freed[1].FileBytes);
        Assert.False((await _store.FilesAsync(_releases[0].ModelVersion))[0].Freed);

        var done = await Retention.PruneAsync(2, "test", dryRun: false);
        Assert.Equal(plan.Freed, done.Freed);
        Assert.Equal(0L, await _db.ScalarAsync<long>($"select count(*) from two_tower.release_files where content is not null and release_id <= {_releases[1].Id}"));
        Assert.Equal(files.Select(file => file with { Freed = true }), await _store.FilesAsync(_releases[0].ModelVersion));
        Assert.Equal(history, await _store.HistoryAsync(_releases[0].ModelVersion));
        Assert.Contains("is retired and its files are freed", (await Assert.ThrowsAsync<ReleaseGoneException>(() => _store.OpenAsync(_releases[0].ModelVersion))).Message, StringComparison.Ordinal);
        foreach (var kept in new[] { 2, 3 }) Assert.Equal(10, (await _store.OpenAsync(_releases[kept].ModelVersion)).Files.Count);
        Assert.Empty((await Retention.PruneAsync(2, "test", dryRun: false)).Freed);

        // A bundle of it is still told from another one.
        Assert.Equal(
            ReleaseState.Retired,
            (await _store.RegisterAsync(ReleaseFiles.Build(TestCheckpoints.Random(seed: 1), Golden.AsOf), new())).State);
    }

    [Fact]
    public async Task A_release_that_somebody_came_to_need_while_others_are_pruned_stays_and_the_others_go()
    {
        await MakeAsync(4);
        await ActivateAsync(3);
        await Retention.PinAsync(_releases[0].ModelVersion, "alice", null);
        // As if the pin came just after the list was read.
        await _db.ExecuteAsync(
            "create or replace function two_tower.needed_releases() returns table (model_version text, why text) language sql stable as $$ select ''::text, ''::text where false $$");
        var pruning = await Retention.PruneAsync(1, "test", dryRun: false);
        Assert.Equal([1, 2], pruning.Retired.Select(Number));
        Assert.Contains("is pinned and cannot be retired", pruning.Kept.Single(kept => Number(kept.ModelVersion) == 0).Why, StringComparison.Ordinal);
        Assert.Equal([1, 2], pruning.Freed.Select(freed => Number(freed.ModelVersion)));
        Assert.Equal(10, (await _store.OpenAsync(_releases[0].ModelVersion)).Files.Count);
    }

    [Fact]
    public async Task Nothing_becomes_ready_by_a_gate_run_of_an_earlier_embedding_and_runs_are_never_changed()
    {
        await MakeAsync(1);
        var version = _releases[0].ModelVersion;
        await _store.TransitionAsync(version, ReleaseState.Embedding, "test", "again");
        await Assert.ThrowsAsync<InputException>(() => _store.TransitionAsync(version, ReleaseState.Ready, "test", null));
        await TestReleases.PassGateAsync(_db, version);
        await _db.ExecuteAsync($"select two_tower.record_gate_run('{version}', false, 'test', 'worse')");
        await Assert.ThrowsAsync<InputException>(() => _store.TransitionAsync(version, ReleaseState.Ready, "test", null));
        await TestReleases.PassGateAsync(_db, version);
        await _store.TransitionAsync(version, ReleaseState.Ready, "test", null);
        var error = await Assert.ThrowsAsync<PostgresException>(() => _db.ExecuteAsync("update two_tower.gate_runs set passed = true"));
        Assert.StartsWith("gate runs are a record", error.MessageText, StringComparison.Ordinal);
    }
}
