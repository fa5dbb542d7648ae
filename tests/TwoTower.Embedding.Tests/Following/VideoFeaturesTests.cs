using TwoTower.Core.Artifacts;
using TwoTower.Core.Features;
using TwoTower.Postgres.Releases;
using TwoTower.Testing;

namespace TwoTower.Embedding.Tests.Following;

/// <summary>Vectors from elsewhere in the features of a served release.</summary>
public sealed class VideoFeaturesTests(PostgresFixture postgres)
{
    private static readonly VectorStandardizer Clip = new("clip", [0.5, 0, -0.5], 1.5);

    private static async Task<Release> ServeAsync(FollowedWorld world, bool rpc)
    {
        await world.Db.ExecuteAsync(
            """
            insert into two_tower.video_features (video_id, name, vector)
            select id, 'clip', format('[%s,%s,1]', price / 1000, length(title))::vector from videos where price is not null
            union all select id, 'other', '[1,2]' from videos
            """);
        var release =
            await world.Store.RegisterAsync(
                ReleaseFiles.Build(TestCheckpoints.Random(12, 3, rpc, Clip), Golden.AsOf), TestCheckpoints.Random(12, 3, rpc, Clip).Recipe);
        await new EmbedJob(world.Db.DataSource, TimeProvider.System).RunAsync(
            release.ModelVersion, FollowedWorld.Options.Embedding with { Activate = true });
        return await world.Store.GetAsync(release.ModelVersion);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_vector_that_changes_comes_or_goes_is_followed(bool rpc)
    {
        await using var world = await FollowedWorld.CreateAsync(postgres);
        var plain = (await world.ServeAsync())[0];
        var release = await ServeAsync(world, rpc);
        await world.AssertRightAsync(release);
        const string updated = "select string_agg(updated_at::text, ',' order by video_id) from ";
        var untouched = await world.Db.ScalarAsync<string>(updated + plain.Table);
        foreach (var change in new[]
        {
            $"update two_tower.video_features set vector = '[3,2,1]' where name = 'clip' and video_id = '{TestVideos.Id(3)}'",
            $"delete from two_tower.video_features where name = 'clip' and video_id in ('{TestVideos.Id(4)}', '{TestVideos.Id(5)}')",
            $"insert into two_tower.video_features values ('{TestVideos.Id(7)}', 'clip', '[1,1,1]')",
            "delete from two_tower.video_feature_names where name = 'clip'",
        })
        {
            await world.Db.ExecuteAsync(change);
            Assert.NotEmpty(await world.WrongAsync(release));
            await world.Worker().TurnAsync(default);
            await world.AssertRightAsync(release);
            Assert.Equal(0, await world.WaitingAsync());
        }

        // A release that doesn't read them keeps its vectors as they are.
        Assert.Equal(untouched, await world.Db.ScalarAsync<string>(updated + plain.Table));
    }

    [Fact]
    public async Task A_vector_that_the_tower_does_not_read_changes_nothing()
    {
        await using var world = await FollowedWorld.CreateAsync(postgres);
        var release = await ServeAsync(world, rpc: true);
        await world.Worker().TurnAsync(default);
        await world.Db.ExecuteAsync("update two_tower.video_features set vector = '[7,7]' where name = 'other'");
        Assert.Equal(0, await world.Worker().TurnAsync(default));
        Assert.Equal(0, await world.WaitingAsync());
        await world.AssertRightAsync(release);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Without_triggers_the_sweep_finds_the_change(bool rpc)
    {
        await using var world = await FollowedWorld.CreateAsync(postgres);
        var release = await ServeAsync(world, rpc);
        var options = FollowedWorld.Options with { Triggers = false, SweepInterval = TimeSpan.FromMilliseconds(1) };
        await world.Worker(options).TurnAsync(default);
        await world.Db.ExecuteAsync($"update two_tower.video_features set vector = '[3,2,1]' where name = 'clip' and video_id = '{TestVideos.Id(3)}'");
        Assert.Equal(0, await world.WaitingAsync());
        await world.Worker(options).TurnAsync(default);
        await world.AssertRightAsync(release);
    }

    [Fact]
    public async Task A_vector_of_another_length_than_the_towers_stays_in_the_queue_with_the_reason_and_keeps_nobody_waiting()
    {
        await using var world = await FollowedWorld.CreateAsync(postgres);
        var release = await ServeAsync(world, rpc: true);
        var options =
            FollowedWorld.Options with { SweepInterval = TimeSpan.FromMilliseconds(1), CheckInterval = TimeSpan.FromMilliseconds(1) };
        await world.Db.ExecuteAsync(
            $"""
            delete from two_tower.video_feature_names where name = 'clip';
            insert into two_tower.video_features values ('{TestVideos.Id(3)}', 'clip', '[1,2]');
            """);
        for (var turn = 0; turn < 2; turn++) await world.Worker(options).TurnAsync(default);
        Assert.Contains(
            $"Video {TestVideos.Id(3)} has a vector 'clip' of 2 numbers, the model was trained with 3",
            await world.Db.ScalarAsync<string>("select last_error from two_tower.embedding_queue"), StringComparison.Ordinal);
        Assert.Equal(1, await world.WaitingAsync());

        await world.Db.ExecuteAsync($"delete from two_tower.video_feature_names; insert into two_tower.video_features values ('{TestVideos.Id(3)}', 'clip', '[1,2,3]')");
        await world.Worker(options).TurnAsync(default);
        await world.AssertRightAsync(release);
    }
}
