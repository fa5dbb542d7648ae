using TwoTower.Core;
using TwoTower.Core.Artifacts;
using TwoTower.Core.Configuration;
using TwoTower.Embedding.Settings;
using TwoTower.Embedding.Telemetry;
using TwoTower.Postgres.Gate;
using TwoTower.Postgres.Releases;
using TwoTower.Testing;

namespace TwoTower.Embedding.Tests;

/// <summary>The gate between embedding and activation: what fails is marked failed, with the reason and the numbers, and the live one goes
/// on.</summary>
public sealed class GateTests(PostgresFixture postgres) : IAsyncLifetime
{
    private static readonly EmbedOptions Options = new() { Workers = 2, Activate = true, SyncPublicTable = false };
    private TestDatabase _db = null!;
    private ReleaseStore _store = null!;

    public async ValueTask InitializeAsync()
    {
        _db = await postgres.CreateDatabaseAsync();
        _store = new(_db.DataSource);
        await TasteWorld.InsertAsync(_db);
    }

    public async ValueTask DisposeAsync() => await _db.DisposeAsync();

    private Task<Release> RegisterAsync(Checkpoint checkpoint, int minutes) =>
        _store.RegisterAsync(ReleaseFiles.Build(checkpoint, Golden.AsOf.AddMinutes(minutes)), checkpoint.Recipe);

    private Task<EmbedResult> EmbedAsync(Release release, EmbedOptions? options = null, TimeProvider? time = null) =>
        new EmbedJob(_db.DataSource, time ?? TimeProvider.System).RunAsync(release.ModelVersion, options ?? Options);

    [Fact]
    public async Task A_worse_release_fails_with_the_numbers_and_a_better_one_is_activated()
    {
        var live = await RegisterAsync(TasteWorld.Checkpoint(shift: 5), 1);
        Assert.True((await EmbedAsync(live)).Activated);
        var better = await RegisterAsync(TasteWorld.Checkpoint(), 2);
        Assert.True((await EmbedAsync(better)).Activated);

        var worse = await RegisterAsync(TasteWorld.Checkpoint(shift: 3), 3);
        var error = await Assert.ThrowsAsync<InputException>(() => EmbedAsync(worse));
        Assert.Contains($"failed: worse than {better.ModelVersion}: recall@20", error.Message, StringComparison.Ordinal);
        worse = await _store.GetAsync(worse.ModelVersion);
        Assert.Equal(ReleaseState.Failed, worse.State);
        Assert.StartsWith($"worse than {better.ModelVersion}: recall@20 0.", worse.StateReason, StringComparison.Ordinal);
        Assert.Equal(better.ModelVersion, (await _store.GetActiveAsync())!.ModelVersion);
        var run = Assert.Single(await GateRuns.ReadAsync(_db.DataSource, worse.ModelVersion));
        Assert.Equal((false, better.ModelVersion), (run.Passed, run.ComparedWith));
        Assert.True(run.Numbers.GetProperty("quality").GetProperty("recall20").GetProperty("difference").GetDouble() < -0.5);
    }

    [Fact]
    public async Task A_ready_release_is_measured_again_before_it_is_activated_by_itself()
    {
        // Ready while nothing was live; by now something better is.
        var waiting = await RegisterAsync(TasteWorld.Checkpoint(shift: 3), 1);
        await EmbedAsync(waiting, Options with { Activate = false });
        var live = await RegisterAsync(TasteWorld.Checkpoint(), 2);
        await EmbedAsync(live);

        await Assert.ThrowsAsync<InputException>(() => EmbedAsync(waiting));
        Assert.Equal(ReleaseState.Failed, (await _store.GetAsync(waiting.ModelVersion)).State);
        Assert.Equal(live.ModelVersion, (await _store.GetActiveAsync())!.ModelVersion);
    }

    [Fact]
    public async Task What_was_served_once_stays_a_way_back_also_where_it_is_no_longer_good_enough()
    {
        var old = await RegisterAsync(TasteWorld.Checkpoint(shift: 3), 1);
        await EmbedAsync(old);
        await EmbedAsync(await RegisterAsync(TasteWorld.Checkpoint(), 2));
        Assert.Contains("didn't pass the gate: worse than", (await Assert.ThrowsAsync<InputException>(() => EmbedAsync(old))).Message, StringComparison.Ordinal);
        Assert.Equal(ReleaseState.Ready, (await _store.GetAsync(old.ModelVersion)).State);
        Assert.Equal(old.ModelVersion, (await _store.RollbackAsync("test", null)).ModelVersion);
    }

    [Fact]
    public async Task A_release_with_the_user_tower_of_another_training_fails_and_says_so()
    {
        var files = ReleaseFiles.Build(TestCheckpoints.Random(seed: 1), Golden.AsOf);
        var other = ReleaseFiles.Build(TestCheckpoints.Random(seed: 2), Golden.AsOf).Single(file => file.Path == ArtifactNames.UserTower);
        var release = await _store.RegisterAsync([.. files.Select(file => file.Path == other.Path ? other : file)], new Recipe());
        await Assert.ThrowsAsync<InputException>(() => EmbedAsync(release));
        Assert.StartsWith("the user tower isn't the one that was trained", (await _store.GetAsync(release.ModelVersion)).StateReason, StringComparison.Ordinal);
        Assert.Null(await _store.GetActiveAsync());
    }

    [Fact]
    public async Task Processes_whose_clocks_disagree_by_minutes_write_one_history_in_the_databases_time()
    {
        var (ahead, behind) = (new SkewedTime(TimeSpan.FromMinutes(10)), new SkewedTime(TimeSpan.FromMinutes(-10)));
        var began = await _db.ScalarAsync<DateTime>("select clock_timestamp()");
        var first = await RegisterAsync(TasteWorld.Checkpoint(), 600); // the trainer's clock is ahead: that is only in the name
        await EmbedAsync(first, time: ahead);
        var second = await RegisterAsync(TasteWorld.Checkpoint(dim: 32), 1);
        await EmbedAsync(second, time: behind);
        await _store.RollbackAsync("test", null);

        Assert.Equal([second.ModelVersion, first.ModelVersion], (await _store.ListAsync()).Select(release => release.ModelVersion));
        var times = await _db.ListAsync<DateTime>(
            "select at from (select at, transition_id as n from two_tower.release_transitions) t order by n");
        Assert.Equal(times.Order(), times);
        Assert.All(times, at => Assert.InRange(at, began, began.AddMinutes(5)));

        // A lease of the one that is ahead isn't over for the one that is behind, nor the other way round.
        await _db.ExecuteAsync($"update two_tower.release_embeddings set lease_owner = 'ahead', lease_until = clock_timestamp() + interval '1 minute' where release_id = {second.Id}");
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => new EmbedJob(_db.DataSource, ahead).RunAsync(second.ModelVersion, Options, null, patience.Token));
        Assert.Equal("ahead", await _db.ScalarAsync<string>($"select lease_owner from two_tower.release_embeddings where release_id = {second.Id}"));
    }

    private sealed class SkewedTime(TimeSpan skew) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + skew;
    }
}
