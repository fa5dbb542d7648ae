using TwoTower.Embedding.Following;
using TwoTower.Embedding.Telemetry;
using TwoTower.Testing;

namespace TwoTower.Embedding.Tests.Following;

/// <summary>Several embedders on one database.</summary>
public sealed class ReplicasTests(PostgresFixture postgres)
{
    [Fact]
    public async Task Three_replicas_share_the_changes_and_do_none_twice()
    {
        await using var world = await FollowedWorld.CreateAsync(postgres, 400);
        var releases = await world.ServeAsync(2);
        await world.Db.ExecuteAsync("update videos set price = coalesce(price, 0) + 1000");
        var workers = Enumerable.Range(0, 3).Select(_ => world.Worker()).ToList();
        var written = await Task.WhenAll(workers.Select(worker => Task.Run(() => worker.TurnAsync(default))));
        Assert.Equal(2 * 400, written.Sum());
        foreach (var release in releases) await world.AssertRightAsync(release);
        Assert.Equal(0, await world.WaitingAsync());
    }

    [Fact]
    public async Task The_changes_that_a_killed_replica_had_leased_are_taken_over_when_its_lease_runs_out()
    {
        await using var world = await FollowedWorld.CreateAsync(postgres);
        var release = (await world.ServeAsync())[0];
        await world.Db.ExecuteAsync("update videos set price = coalesce(price, 0) + 1000");
        var killed = await new ChangeQueue(world.Db.DataSource, TimeSpan.FromHours(1)).LeaseAsync("killed", 25, default);
        Assert.Equal(25, killed.Count);

        Assert.Equal(35, await world.Worker().TurnAsync(default));
        Assert.Equal(25, (await world.WrongAsync(release)).Count);
        await world.Db.ExecuteAsync("update two_tower.embedding_queue set lease_until = clock_timestamp() - interval '1 second'");
        Assert.Equal(25, await world.Worker().TurnAsync(default));
        await world.AssertRightAsync(release);
    }

    [Fact]
    public async Task A_replica_that_was_slow_does_not_put_an_older_vector_over_a_newer_one()
    {
        await using var world = await FollowedWorld.CreateAsync(postgres);
        var release = (await world.ServeAsync())[0];
        await world.Db.ExecuteAsync("update videos set price = 1 where title in ('video 1', 'video 2')");
        var queue = new ChangeQueue(world.Db.DataSource, TimeSpan.FromHours(1));
        var slow = await queue.LeaseAsync("slow", 10, default); // it has read both, and is about to write
        await world.Db.ExecuteAsync("update videos set price = 2 where title = 'video 1'");
        Assert.Equal(1, await world.Worker().TurnAsync(default));

        await using var connection = await world.Db.DataSource.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        Assert.Equal([TestVideos.Id(2)], await queue.HoldAsync(connection, slow, default));
        await transaction.RollbackAsync();
        Assert.Equal([TestVideos.Id(2)], await world.WrongAsync(release));
    }

    [Fact]
    public async Task Replicas_share_the_embedding_of_a_release_and_do_no_video_twice()
    {
        await using var world = await FollowedWorld.CreateAsync(postgres, 300);
        var release = await world.RegisterAsync(1);
        var helper = world.Worker();
        long helped = 0;
        var result = await new EmbedJob(world.Db.DataSource, TimeProvider.System).RunAsync(
            release.ModelVersion, FollowedWorld.Options.Embedding with { Workers = 1 }, new Acting(step =>
            {
                if (helped == 0 && step is { Stage: EmbedStage.Embedding, Done: > 0 and < 300 }) helped =
                    helper.TurnAsync(default).GetAwaiter().GetResult();
            }));
        Assert.Equal((280, 20L, 300L), (helped, result.Embedded, result.Videos));
        await world.AssertRightAsync(release);
        Assert.Equal(0L, await world.Db.ScalarAsync<long>("select count(*) from two_tower.embedding_shares"));
    }

    [Fact]
    public async Task The_share_of_a_killed_helper_is_done_by_the_others()
    {
        await using var world = await FollowedWorld.CreateAsync(postgres, 100);
        var release = await world.RegisterAsync(1);
        var killed = false;
        var result = await new EmbedJob(world.Db.DataSource, TimeProvider.System).RunAsync(
            release.ModelVersion, FollowedWorld.Options.Embedding with { Workers = 1 }, new Acting(step =>
            {
                if (killed || step is not { Stage: EmbedStage.Embedding, Done: >= 20 }) return;
                killed = true;
                world.Db.ExecuteAsync(
                    "update two_tower.embedding_shares set lease_owner = 'killed', lease_until = clock_timestamp() + interval '2 seconds' "
                        + "where share_id in (select share_id from two_tower.embedding_shares limit 2)").GetAwaiter().GetResult();
            }));
        Assert.True(killed);
        Assert.Equal(100, result.Embedded);
        await world.AssertRightAsync(release);
    }

    [Fact]
    public async Task A_release_that_is_retired_in_the_middle_of_its_embedding_leaves_no_shares()
    {
        await using var world = await FollowedWorld.CreateAsync(postgres, 100);
        var release = await world.RegisterAsync(1);
        using var stop = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => new EmbedJob(world.Db.DataSource, TimeProvider.System).RunAsync(
            release.ModelVersion, FollowedWorld.Options.Embedding, new Acting(step => { if (step.Done > 0) stop.Cancel(); }), stop.Token));
        Assert.NotEqual(0L, await world.Db.ScalarAsync<long>("select count(*) from two_tower.embedding_shares"));
        await world.Db.ExecuteAsync($"select two_tower.drop_retired_vectors(two_tower.retire_release('{release.ModelVersion}', 'test', null), 1000)");
        Assert.Equal(0L, await world.Db.ScalarAsync<long>("select count(*) from two_tower.embedding_shares"));
    }

    private sealed class Acting(Action<EmbedProgress> act) : IProgress<EmbedProgress>
    {
        public void Report(EmbedProgress value) => act(value);
    }
}
