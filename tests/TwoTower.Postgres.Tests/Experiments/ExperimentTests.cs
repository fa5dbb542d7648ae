using Microsoft.Extensions.Options;
using TwoTower.Core;
using TwoTower.Core.Quality;
using TwoTower.Postgres.Experiments;
using TwoTower.Postgres.Impressions;
using TwoTower.Postgres.Releases;
using TwoTower.Postgres.Serving;
using TwoTower.Testing;

namespace TwoTower.Postgres.Tests.Experiments;

/// <summary>A share of the users gets another release: who, since when, until when, and what happens to them when it goes wrong.</summary>
public sealed class ExperimentTests(PostgresFixture postgres) : IAsyncLifetime
{
    private static readonly List<Guid> Viewers =
        [.. Golden.UserPayloads.Where(user => user.DecisionStats.LikeCount > 0).Select(user => user.UserId)];

    private TestDatabase _db = null!;
    private ReleaseStore _releases = null!;
    private ExperimentStore _experiments = null!;
    private ServingRecorder _recorder = null!;
    private Release _one = null!, _two = null!;

    public async ValueTask InitializeAsync()
    {
        _db = await postgres.CreateDatabaseAsync();
        await TestReleases.LoadGoldenAsync(_db);
        (_releases, _experiments) = (new(_db.DataSource), new(_db.DataSource));
        _one = await TestReleases.ActivateAsync(_db, TestCheckpoints.Random(seed: 1));
        _two = await TestReleases.ReadyAsync(_db, TestCheckpoints.Random(8, seed: 2), Golden.AsOf.AddHours(1));
        _recorder = new(Options.Create(new ImpressionOptions()));
    }

    public async ValueTask DisposeAsync() => await _db.DisposeAsync();

    private async Task<string?> ServedAsync(Guid user)
    {
        using var towers = new TowerCache(_releases, 3);
        var service = new RecommendationService(_db.DataSource, towers, Options.Create(new RecommendationOptions()), _recorder);
        return (await service.RecommendAsync(new(user, 5, false, new VideoFilter()))).ModelVersion;
    }

    private Task<Experiment> StartAsync(string name = "taste", double share = 0.5) => _experiments.StartAsync(name, _two.ModelVersion, share, "alice", "a test");

    [Fact]
    public async Task Exactly_the_users_below_the_share_get_the_other_release_and_all_get_the_active_one_when_it_is_stopped()
    {
        var experiment = await StartAsync();
        Assert.Equal(("experiment:taste", 0.5, "alice", null), (experiment.Salt, experiment.Share, experiment.StartedBy, experiment.StoppedAt));
        foreach (var user in Viewers)
        {
            var expected = UserShare.Of(user, experiment.Salt) < 0.5 ? _two : _one;
            Assert.Equal(expected.ModelVersion, await ServedAsync(user));
        }

        Assert.InRange(Viewers.Count(user => UserShare.Of(user, experiment.Salt) < 0.5), 1, Viewers.Count - 1);
        var (stopped, was) = await _experiments.StopAsync("taste", "bob", "seen enough");
        Assert.True(was);
        Assert.Equal(("bob", "seen enough"), (stopped.StoppedBy, stopped.StopReason));
        foreach (var user in Viewers) Assert.Equal(_one.ModelVersion, await ServedAsync(user));
        Assert.False((await _experiments.StopAsync("taste", "bob", null)).WasRunning);
    }

    [Fact]
    public async Task Another_salt_draws_other_users_and_a_larger_share_keeps_those_of_the_smaller()
    {
        HashSet<Guid> Drawn(string salt, double share) => [.. Viewers.Where(user => UserShare.Of(user, salt) < share)];
        Assert.ProperSuperset(Drawn("a", 0.2), Drawn("a", 0.6));
        Assert.NotEqual(Drawn("a", 0.5), Drawn("b", 0.5));

        await _experiments.StartAsync("salted", _two.ModelVersion, 0.5, "alice", null, salt: "b");
        foreach (var user in Viewers) Assert.Equal(Drawn("b", 0.5).Contains(user), await ServedAsync(user) == _two.ModelVersion);
    }

    [Fact]
    public async Task The_release_and_the_assignment_come_with_the_one_query_that_reads_the_features()
    {
        var experiment = await StartAsync();
        var user = Viewers.First(user => UserShare.Of(user, experiment.Salt) < 0.5);
        var context = await RequestContext.ReadAsync(_db.DataSource, user, null, default);
        Assert.Equal((_two.ModelVersion, (long?)experiment.Id, true), (context.ModelVersion, context.ExperimentId, context.IsTreated));
        var except = await RequestContext.ReadAsync(_db.DataSource, user, null, default, _two.ModelVersion);
        Assert.Equal((_one.ModelVersion, (long?)experiment.Id, false), (except.ModelVersion, except.ExperimentId, except.IsTreated));
    }

    [Fact]
    public async Task The_release_of_a_running_experiment_is_needed_and_can_neither_be_retired_nor_pruned_nor_embedded_anew()
    {
        await StartAsync();
        var retention = new ReleaseRetention(_db.DataSource, TimeProvider.System);
        Assert.Contains(new NeededRelease(_two.ModelVersion, "experiment taste"), await retention.NeededAsync());
        var refused = await Assert.ThrowsAsync<InputException>(() => retention.RetireAsync(_two.ModelVersion, "test", null));
        Assert.Equal($"Release {_two.ModelVersion} is in experiment taste: stop that first.", refused.Message);
        await Assert.ThrowsAsync<InputException>(() => _releases.TransitionAsync(_two.ModelVersion, ReleaseState.Embedding, "test", null));
        await TestReleases.ReadyAsync(_db, TestCheckpoints.Random(seed: 3), Golden.AsOf.AddHours(2));
        Assert.Empty((await retention.PruneAsync(1, "test", dryRun: false)).Retired);

        await _experiments.StopAsync("taste", "alice", null);
        Assert.Equal([_two.ModelVersion], (await retention.PruneAsync(1, "test", dryRun: false)).Retired);
    }

    [Fact]
    public async Task When_the_experiments_release_fails_or_loses_its_vectors_its_users_get_the_active_one()
    {
        var experiment = await StartAsync(share: 0.99);
        var user = Viewers.First(user => UserShare.Of(user, experiment.Salt) < 0.99);
        Assert.Equal(_two.ModelVersion, await ServedAsync(user));
        await _db.ExecuteAsync($"alter table {_two.Table} rename to somewhere_else");
        Assert.Equal(_one.ModelVersion, await ServedAsync(user));
        await _db.ExecuteAsync($"alter table two_tower.somewhere_else rename to {_two.Table["two_tower.".Length..]}");
        Assert.Equal(_two.ModelVersion, await ServedAsync(user));
        await _releases.FailAsync(_two.ModelVersion, "test", "a test");
        Assert.Equal(_one.ModelVersion, await ServedAsync(user));
    }

    [Fact]
    public async Task A_tower_that_cannot_be_used_costs_the_experiments_users_no_answer_and_counts_as_its_failure()
    {
        var experiment = await StartAsync(share: 0.99);
        var user = Viewers.First(user => UserShare.Of(user, experiment.Salt) < 0.99);
        await _db.ExecuteAsync($"alter table two_tower.release_files disable trigger user; delete from two_tower.release_files where release_id = {_two.Id} and path = 'user_tower.onnx'");
        Assert.Equal(_one.ModelVersion, await ServedAsync(user));
        await new ServingRecordWriter(_db.DataSource, _recorder, new()).FlushAsync();
        Assert.Equal(
            [$"{_one.Id}: 1 answered, 0 failed", $"{_two.Id}: 0 answered, 1 failed"],
            await _db.ListAsync<string>("select format('%s: %s answered, %s failed', release_id, answers, failed) from two_tower.serving_counts order by release_id"));
    }

    [Fact]
    public async Task One_runs_at_a_time_a_name_is_used_once_and_its_release_must_be_ready()
    {
        async Task RefusedAsync(string message, Func<Task> start) =>
            Assert.Contains(message, (await Assert.ThrowsAsync<InputException>(start)).Message, StringComparison.Ordinal);

        await RefusedAsync("There is no release nope", () => _experiments.StartAsync("a", "nope", 0.5, "alice", null));
        await RefusedAsync($"Release {_one.ModelVersion} is active", () => _experiments.StartAsync("a", _one.ModelVersion, 0.5, "alice", null));
        await RefusedAsync("A share of 1 can't be used", () => StartAsync(share: 1));
        await RefusedAsync("'Two Words' can't name an experiment", () => StartAsync("Two Words"));
        await StartAsync();
        await RefusedAsync("Experiment taste is running", () => StartAsync("other"));
        await _experiments.StopAsync("taste", "alice", null);
        await RefusedAsync("There was an experiment taste already", () => StartAsync());
        await StartAsync("other");
        Assert.Equal(["other", "taste"], (await _experiments.ListAsync()).Select(experiment => experiment.Name));
        await RefusedAsync("There is no experiment nope", () => _experiments.StopAsync("nope", "alice", null));
    }

    [Fact]
    public async Task Of_two_operators_who_start_at_once_one_is_refused()
    {
        var starts = await Task.WhenAll(Enumerable.Range(0, 8).Select(async i =>
        {
            try
            {
                await StartAsync($"at-once-{i}");
                return true;
            }
            catch (InputException e)
            {
                Assert.Contains("is running, and one runs at a time", e.Message, StringComparison.Ordinal);
                return false;
            }
        }));
        Assert.Single(starts, started => started);
        Assert.Single(await _experiments.ListAsync());
    }

    [Fact]
    public async Task Activating_the_experiments_release_ends_it_and_activating_another_does_not()
    {
        await StartAsync();
        var three = await TestReleases.ReadyAsync(_db, TestCheckpoints.Random(seed: 3), Golden.AsOf.AddHours(2));
        await _releases.ActivateAsync(three.ModelVersion, "test", null);
        Assert.Null((await _experiments.GetAsync("taste")).StoppedAt);
        await _releases.ActivateAsync(_two.ModelVersion, "carol", null);
        var ended = await _experiments.GetAsync("taste");
        Assert.Equal(("carol", "its release was activated"), (ended.StoppedBy, ended.StopReason));
        foreach (var user in Viewers.Take(5)) Assert.Equal(_two.ModelVersion, await ServedAsync(user));
    }

    [Fact]
    public async Task A_search_that_pins_its_release_is_as_it_was()
    {
        await StartAsync(share: 0.99);
        foreach (var release in new[] { _one, _two })
        {
            await using var command = _db.DataSource.CreateCommand(
                $"select count(*) from public.recommend_videos_ann((select embedding from {release.Table} limit 1), p_model_version => $1)");
            command.Parameters.Add(new() { Value = release.ModelVersion });
            Assert.NotEqual(0L, (long)(await command.ExecuteScalarAsync())!);
        }

        await using var active = _db.DataSource.CreateCommand($"select count(*) from public.recommend_videos_ann((select embedding from {_one.Table} limit 1))");
        Assert.NotEqual(0L, (long)(await active.ExecuteScalarAsync())!);
    }

    [Fact]
    public async Task An_experiment_is_a_record_that_nobody_rewrites()
    {
        await StartAsync();
        var error = await Assert.ThrowsAsync<Npgsql.PostgresException>(() => _db.ExecuteAsync("update two_tower.experiments set share = 0.9"));
        Assert.Equal("TT102", error.SqlState);
        await _experiments.StopAsync("taste", "alice", null);
        error = await Assert.ThrowsAsync<Npgsql.PostgresException>(() => _db.ExecuteAsync("update two_tower.experiments set stopped_at = null"));
        Assert.Equal("TT102", error.SqlState);
    }
}
