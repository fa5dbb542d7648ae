using Npgsql;
using TwoTower.Embedding.Following;
using TwoTower.Embedding.Settings;
using TwoTower.Postgres.Connections;
using TwoTower.Testing;

namespace TwoTower.Embedding.Tests.Following;

/// <summary>Following without triggers.</summary>
public sealed class SweepTests(PostgresFixture postgres)
{
    private static readonly EmbedderOptions WithoutTriggers =
        FollowedWorld.Options with { Triggers = false, SweepInterval = TimeSpan.FromSeconds(1) };
    private const string Due = "update two_tower.embedding_sweep set swept_at = null; ";

    [Fact]
    public async Task A_sweep_finds_what_changed_came_and_went()
    {
        await using var world = await FollowedWorld.CreateAsync(postgres);
        var releases = await world.ServeAsync(2);
        var worker = world.Worker(WithoutTriggers);
        await worker.TurnAsync(default);
        Assert.Equal(0L, await world.Db.ScalarAsync<long>("select count(*) from pg_trigger where tgname like 'two_tower%'"));

        await TestVideos.InsertAsync(world.Db, 61, 62);
        await world.Db.ExecuteAsync(Due + "update videos set price = 1 where title = 'video 1'; delete from videos where title = 'video 2'; delete from video_tags");
        Assert.Equal(0, await world.WaitingAsync());
        await worker.TurnAsync(default);
        foreach (var release in releases) await world.AssertRightAsync(release);

        Assert.Equal(0, await worker.TurnAsync(default));
    }

    [Fact]
    public async Task A_new_video_is_found_at_the_next_look_before_a_sweep_is_due()
    {
        await using var world = await FollowedWorld.CreateAsync(postgres);
        var release = (await world.ServeAsync())[0];
        var worker = world.Worker(WithoutTriggers with { SweepInterval = TimeSpan.FromDays(1) });
        await worker.TurnAsync(default);
        await TestVideos.InsertAsync(world.Db, 61, 62);
        Assert.Equal(2, await worker.TurnAsync(default));
        await world.AssertRightAsync(release);
    }

    [Fact]
    public async Task Beneath_the_triggers_a_sweep_finds_what_went_past_them()
    {
        await using var world = await FollowedWorld.CreateAsync(postgres);
        var release = (await world.ServeAsync())[0];
        // As a restore or a subscription writes.
        await world.Db.ExecuteAsync(Due + "begin; set local session_replication_role = replica; update videos set price = 1 where title = 'video 1'; commit");
        Assert.Equal(0, await world.WaitingAsync());
        await world.Worker().TurnAsync(default);
        await world.AssertRightAsync(release);
    }

    [Fact]
    public async Task One_replica_sweeps_at_a_time_and_none_before_it_is_due()
    {
        await using var world = await FollowedWorld.CreateAsync(postgres);
        await world.ServeAsync();
        using var releases = new FollowedReleases(world.Db.DataSource, (_, _) => { });
        var sweep = new ChangeSweep(world.Db.DataSource, releases, TimeSpan.FromSeconds(30), TimeProvider.System);
        Assert.Equal(0, await sweep.RunAsync(TimeSpan.FromHours(1), default));
        Assert.Null(await sweep.RunAsync(TimeSpan.FromHours(1), default));
        await world.Db.ExecuteAsync(Due + "update two_tower.embedding_sweep set lease_owner = 'another', lease_until = clock_timestamp() + interval '1 hour'");
        Assert.Null(await sweep.RunAsync(TimeSpan.FromHours(1), default));
        await world.Db.ExecuteAsync("update two_tower.embedding_sweep set lease_until = clock_timestamp() - interval '1 second'");
        Assert.Equal(0, await sweep.RunAsync(TimeSpan.FromHours(1), default));
    }

    [Fact]
    public async Task An_embedder_that_may_not_make_triggers_sweeps()
    {
        await using var world = await FollowedWorld.CreateAsync(postgres);
        var release = (await world.ServeAsync())[0];
        var role = "embedder_" + Guid.NewGuid().ToString("N")[..12];
        await world.Db.ExecuteAsync("begin; set local two_tower.change_triggers = 'off'; select two_tower.follow_videos(); commit");
        await world.Db.ExecuteAsync(
            $"""
            create role {role} login password 'test' in role pg_read_all_data, pg_write_all_data;
            grant usage, create on schema two_tower to {role};
            grant execute on all functions in schema two_tower to {role};
            """);
        try
        {
            await using var limited = DataSources.Create(
                new NpgsqlConnectionStringBuilder(world.Db.ConnectionString) { Username = role, Password = "test" }.ConnectionString);
            Assert.Contains("permission denied for table videos", await ChangeTriggers.FollowAsync(limited, wanted: true, default) ?? "", StringComparison.Ordinal);
            using var follower =
                new VideoFollower(
                    limited, WithoutTriggers with { Triggers = true }, TimeProvider.System,
                    Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
            await follower.FollowAsync(default);
            await world.Db.ExecuteAsync(Due + "update videos set price = 1 where title = 'video 1'");
            Assert.True(await follower.SweepAsync(default));
            Assert.Equal(1, await follower.FollowAsync(default));
            await world.AssertRightAsync(release);
        }
        finally
        {
            await world.Db.ExecuteAsync($"drop owned by {role}; drop role {role}");
        }
    }
}
