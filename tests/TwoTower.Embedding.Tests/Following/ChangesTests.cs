using TwoTower.Embedding.Telemetry;
using TwoTower.Testing;

namespace TwoTower.Embedding.Tests.Following;

/// <summary>What becomes of a change.</summary>
public sealed class ChangesTests(PostgresFixture postgres)
{
    [Fact]
    public async Task Changed_new_and_deleted_videos_are_followed_in_every_release_that_has_vectors_each_with_its_own_tower()
    {
        await using var world = await FollowedWorld.CreateAsync(postgres);
        var releases = await world.ServeAsync(3); // the third active, the second a way back, the first merely ready
        Assert.Contains(releases[1].ModelVersion, await world.Db.ListAsync<string>("select model_version from two_tower.needed_releases()"));
        await TestVideos.InsertAsync(world.Db, 61, 65);
        await world.Db.ExecuteAsync(
            $"""
            update videos set price = 4321 where title in ('video 3', 'video 4');
            update video_tags set tag_name = 'space opera' where video_id = '{TestVideos.Id(5)}' and tag_name = (select min(tag_name) from video_tags where video_id = '{TestVideos.Id(5)}');
            delete from video_performers where video_id = '{TestVideos.Id(7)}';
            delete from videos where title = 'video 8';
            """);
        foreach (var release in releases) Assert.NotEmpty(await world.WrongAsync(release));
        await world.Worker().TurnAsync(default);
        foreach (var release in releases) await world.AssertRightAsync(release);
        Assert.Equal(0, await world.WaitingAsync());
    }

    [Fact]
    public async Task A_release_that_is_being_embedded_gets_the_changes_as_well()
    {
        await using var world = await FollowedWorld.CreateAsync(postgres);
        await world.ServeAsync();
        var next = await world.RegisterAsync(2);
        var changed = false;
        await new EmbedJob(world.Db.DataSource, TimeProvider.System).RunAsync(
            next.ModelVersion, FollowedWorld.Options.Embedding with { Workers = 1 }, new Acting(step =>
            {
                if (changed || step is not { Stage: EmbedStage.Embedding, Done: >= 40 }) return;
                changed = true; // videos that have their vector, and videos whose turn comes
                world.Db.ExecuteAsync("update videos set price = 1234 where title in ('video 1', 'video 60'); delete from videos where title = 'video 2'").GetAwaiter().GetResult();
                world.Worker().TurnAsync(default).GetAwaiter().GetResult();
            }));
        Assert.True(changed);
        await world.AssertRightAsync(next);
    }

    [Fact]
    public async Task A_hidden_or_deleted_video_is_gone_from_the_search_at_once_and_its_vector_later()
    {
        await using var world = await FollowedWorld.CreateAsync(postgres);
        var release = (await world.ServeAsync())[0];
        Guid[] gone = [TestVideos.Id(10), TestVideos.Id(11)];
        Assert.Superset(gone.ToHashSet(), (await world.SearchAsync(release)).ToHashSet());
        await world.Db.ExecuteAsync("update videos set is_active = false where title = 'video 10'; delete from videos where title = 'video 11'");

        var found = await world.SearchAsync(release);
        Assert.Equal(58, found.Count);
        Assert.Empty(found.Intersect(gone));
        Assert.Equal(60L, await world.Db.ScalarAsync<long>($"select count(*) from {release.Table}"));

        await world.Worker().TurnAsync(default);
        Assert.Equal(59L, await world.Db.ScalarAsync<long>($"select count(*) from {release.Table}"));
        await world.Db.ExecuteAsync("update videos set is_active = true, price = 99 where title = 'video 10'");
        await world.Worker().TurnAsync(default);
        Assert.Contains(TestVideos.Id(10), await world.SearchAsync(release));
        await world.AssertRightAsync(release);
    }

    [Fact]
    public async Task A_change_that_comes_between_reading_a_video_and_writing_its_vector_is_not_lost()
    {
        await using var world = await FollowedWorld.CreateAsync(postgres);
        var release = (await world.ServeAsync())[0];
        // The first write of a vector changes its video: what the embedder read is old by the time that it is stored.
        await world.Db.ExecuteAsync(
            $"""
            create table once (x int); insert into once values (1);
            create function meanwhile() returns trigger language plpgsql as $$
            begin
                if exists (select from once) then delete from once; update public.videos set price = 3333 where id = new.video_id; end if;
                return new;
            end $$;
            create trigger meanwhile before insert or update on {release.Table} for each row execute function meanwhile();
            update videos set price = 2222 where title = 'video 6';
            """);
        await world.Worker().TurnAsync(default);
        Assert.Equal(3333m, await world.Db.ScalarAsync<decimal>("select price from videos where title = 'video 6'"));
        await world.AssertRightAsync(release);
    }

    [Fact]
    public async Task A_video_whose_features_are_what_they_were_keeps_its_vector()
    {
        await using var world = await FollowedWorld.CreateAsync(postgres);
        var release = (await world.ServeAsync())[0];
        await world.Db.ExecuteAsync("update videos set price = 100 where title = 'video 9'; update videos set price = null where title = 'video 9'");
        await world.Worker().TurnAsync(default);
        await world.Db.ExecuteAsync("update videos set price = 100 where title = 'video 9'; update videos set price = null where title = 'video 9'");
        Assert.Equal(0, await world.Worker().TurnAsync(default));
        Assert.Equal(0, await world.WaitingAsync());
        await world.AssertRightAsync(release);
    }

    [Fact]
    public async Task A_video_that_cannot_be_embedded_is_tried_again_and_keeps_nobody_waiting()
    {
        await using var world = await FollowedWorld.CreateAsync(postgres);
        var release = (await world.ServeAsync())[0];
        await world.Db.ExecuteAsync(
            $"""
            create function refuse() returns trigger language plpgsql as $$ begin if new.video_id = '{TestVideos.Id(13)}' then raise 'not this one'; end if; return new; end $$;
            create trigger refuse before insert or update on {release.Table} for each row execute function refuse();
            update videos set price = 777;
            """);
        await world.Worker().TurnAsync(default);
        Assert.Equal([TestVideos.Id(13)], await world.WrongAsync(release));
        Assert.Equal("1 P0001: not this one", await world.Db.ScalarAsync<string>("select attempts || ' ' || last_error from two_tower.embedding_queue"));

        await world.Worker().TurnAsync(default); // not yet its time
        Assert.Equal(1, await world.Db.ScalarAsync<int>("select attempts from two_tower.embedding_queue"));
        await world.Db.ExecuteAsync($"drop trigger refuse on {release.Table}; update two_tower.embedding_queue set lease_until = clock_timestamp() - interval '1 second'");
        await world.Worker().TurnAsync(default);
        await world.AssertRightAsync(release);
        Assert.Equal(0, await world.WaitingAsync());
    }

    [Fact]
    public async Task The_public_table_follows_a_change_of_the_active_release()
    {
        await using var world = await FollowedWorld.CreateAsync(postgres);
        await world.Db.ExecuteAsync("drop index if exists video_embeddings_embedding_idx; alter table public.video_embeddings alter column embedding type vector(12)");
        var release = (await world.ServeAsync())[0];
        using var worker =
            world.Worker(FollowedWorld.Options with { Embedding = FollowedWorld.Options.Embedding with { SyncPublicTable = true } });
        await worker.TurnAsync(default);
        await world.Db.ExecuteAsync("update videos set price = 55 where title = 'video 20'; delete from videos where title = 'video 21'");
        await worker.TurnAsync(default);
        Assert.Equal(59L, await world.Db.ScalarAsync<long>("select count(*) from public.video_embeddings"));
        Assert.Equal(59L, await world.Db.ScalarAsync<long>($"select count(*) from public.video_embeddings p join {release.Table} e using (video_id) where p.embedding = e.embedding"));
    }

    [Fact]
    public async Task What_an_import_queues_before_there_is_a_release_is_not_embedded_twice()
    {
        await using var world = await FollowedWorld.CreateAsync(postgres);
        Assert.NotEqual(0, await world.WaitingAsync());
        await world.ServeAsync();
        Assert.Equal(0, await world.WaitingAsync());
    }

    private sealed class Acting(Action<EmbedProgress> act) : IProgress<EmbedProgress>
    {
        public void Report(EmbedProgress value) => act(value);
    }
}
