using Npgsql;
using TwoTower.Embedding.Following;
using TwoTower.Postgres.Schema;
using TwoTower.Testing;

namespace TwoTower.Embedding.Tests.Following;

/// <summary>What the triggers tell, and what they cost whoever writes.</summary>
public sealed class TriggersTests(PostgresFixture postgres)
{
    private const string Changes = "select video_id from two_tower.embedding_changes order by video_id";

    [Theory]
    [InlineData("update videos set price = 1 where title = 'video 1'", 1)]
    [InlineData("update videos set is_active = not is_active where title in ('video 1', 'video 2')", 1, 2)]
    [InlineData("update videos set title = title || '!', description = 'new'")]
    [InlineData("update videos set price = price")]
    [InlineData("delete from video_performers where video_id in (select id from videos where title = 'video 4')", 4)]
    [InlineData("update video_tags set tag_name = tag_name || '!' where video_id in (select id from videos where title = 'video 5')", 5)]
    [InlineData("insert into video_tags select id, x from videos, (values ('a'), ('b')) as v (x) where title in ('video 1', 'video 2')", 1, 2)]
    [InlineData("truncate video_tags", 1, 2, 3, 4, 5, 6)]
    [InlineData("insert into two_tower.video_features select id, n, '[1]' from videos, (values ('a'), ('b')) as v (n) where title in ('video 2', 'video 3')", 2, 3)]
    [InlineData("insert into user_video_decisions select gen_random_uuid(), id, 'like' from videos")]
    public async Task A_statement_notes_each_video_whose_features_it_changes(string statement, params int[] videos)
    {
        await using var world = await FollowedWorld.CreateAsync(postgres, 6);
        await world.Db.ExecuteAsync("delete from two_tower.embedding_changes");
        await world.Db.ExecuteAsync(statement);
        Assert.Equal(videos.Select(TestVideos.Id), await world.Db.ListAsync<Guid>(Changes));
    }

    [Fact]
    public async Task A_bulk_update_is_one_insert()
    {
        await using var world = await FollowedWorld.CreateAsync(postgres, 1000);
        await world.Db.ExecuteAsync(
            """
            delete from two_tower.embedding_changes;
            create table statements (at int); create function count_it() returns trigger language plpgsql as $$ begin insert into public.statements values (1); return null; end $$;
            create trigger count_it after insert on two_tower.embedding_changes for each statement execute function count_it();
            update videos set price = coalesce(price, 0) + 1;
            """);
        Assert.Equal(1000L, await world.Db.ScalarAsync<long>("select count(*) from two_tower.embedding_changes"));
        Assert.Equal(1L, await world.Db.ScalarAsync<long>("select count(*) from statements"));
    }

    [Fact]
    public async Task Where_names_are_in_tables_of_their_own_a_renamed_one_changes_the_videos_that_have_it()
    {
        await using var db = await postgres.CreateEmptyDatabaseAsync();
        await db.ExecuteAsync(
            $"""
            create table videos (id uuid primary key, title text);
            create table tags (id uuid primary key default gen_random_uuid(), name text not null unique, color json);
            create table video_tags (video_id uuid references videos on delete cascade, tag_id uuid references tags on delete cascade, primary key (video_id, tag_id));
            create table performers (id bigint generated always as identity primary key, name text not null unique);
            create table video_performers (video_id uuid references videos on delete cascade, performer_id bigint references performers, note json, primary key (video_id, performer_id));
            insert into videos (id) values ('{TestVideos.Id(1)}'), ('{TestVideos.Id(2)}'), ('{TestVideos.Id(3)}');
            insert into tags (name) values ('drama'), ('horror');
            insert into performers (name) values ('Ana');
            """);
        await Migrator.MigrateAsync(db.DataSource, null, default);
        await NotesAsync($"insert into video_tags select '{TestVideos.Id(1)}', id from tags where name = 'drama'", 1);
        await NotesAsync($"insert into video_tags select '{TestVideos.Id(2)}', id from tags where name = 'horror'", 2);
        await NotesAsync($"insert into video_performers select '{TestVideos.Id(3)}', id from performers", 3);
        await NotesAsync("update tags set name = 'tragedy' where name = 'drama'", 1);
        await NotesAsync("update tags set color = '[]'");
        await NotesAsync("update performers set name = 'Ana Pérez'", 3);
        await NotesAsync("update video_performers set note = '{}'", 3);
        await NotesAsync("delete from tags where name = 'horror'", 2);
        await NotesAsync("insert into tags (name) values ('comedy')");

        async Task NotesAsync(string statement, params int[] videos)
        {
            await db.ExecuteAsync("delete from two_tower.embedding_changes");
            await db.ExecuteAsync(statement);
            Assert.Equal(videos.Select(TestVideos.Id), await db.ListAsync<Guid>(Changes));
        }
    }

    [Fact]
    public async Task Two_who_write_about_one_video_do_not_wait_for_each_other_nor_for_an_embedder()
    {
        await using var world = await FollowedWorld.CreateAsync(postgres, 6);
        await world.ServeAsync();
        await using var one = await world.Db.DataSource.OpenConnectionAsync();
        await using var transaction = await one.BeginTransactionAsync();
        await using (var tag = new NpgsqlCommand($"insert into video_tags values ('{TestVideos.Id(1)}', 'one')", one)) await tag.ExecuteNonQueryAsync();
        await world.Db.ExecuteAsync($"set lock_timeout = '1s'; insert into video_tags values ('{TestVideos.Id(1)}', 'two'); reset lock_timeout");
        await world.Worker().TurnAsync(default);
        await transaction.CommitAsync();
        Assert.Equal(1, await world.WaitingAsync());
    }

    [Fact]
    public async Task Who_may_change_a_video_needs_no_right_in_our_schema()
    {
        await using var world = await FollowedWorld.CreateAsync(postgres, 6);
        var role = "editor_" + Guid.NewGuid().ToString("N")[..12];
        await world.Db.ExecuteAsync($"delete from two_tower.embedding_changes; create role {role}; grant select, update on videos to {role}");
        try
        {
            await world.Db.ExecuteAsync($"begin; set local role {role}; update videos set price = 1 where title = 'video 1'; commit");
            Assert.Equal([TestVideos.Id(1)], await world.Db.ListAsync<Guid>(Changes));
        }
        finally
        {
            await world.Db.ExecuteAsync($"drop owned by {role}; drop role {role}");
        }
    }

    [Fact]
    public async Task Triggers_that_a_database_switches_off_are_never_made_and_those_of_theirs_stay()
    {
        await using var db = await postgres.CreateEmptyDatabaseAsync();
        await db.ExecuteAsync(
            $"""
            create table videos (id uuid primary key default gen_random_uuid(), title text);
            create function theirs() returns trigger language plpgsql as $$ begin return null; end $$;
            create trigger theirs after update on videos for each statement execute function theirs();
            alter database {db.Name} set two_tower.change_triggers = 'off';
            """);
        db.DataSource.Clear();
        var report = await Migrator.MigrateAsync(db.DataSource, null, default);
        Assert.Contains(report.Warnings, warning => warning.Contains("they are switched off", StringComparison.Ordinal));
        Assert.Equal("they are switched off", await ChangeTriggers.FollowAsync(db.DataSource, wanted: true, default));
        Assert.Equal(["theirs"], await TriggersAsync());

        await db.ExecuteAsync($"alter database {db.Name} reset two_tower.change_triggers");
        db.DataSource.Clear();
        Assert.Null(await ChangeTriggers.FollowAsync(db.DataSource, wanted: true, default));
        Assert.Equal(["theirs", "two_tower_delete", "two_tower_insert", "two_tower_update"], await TriggersAsync());
        Assert.NotNull(await ChangeTriggers.FollowAsync(db.DataSource, wanted: false, default));
        Assert.Equal(["theirs"], await TriggersAsync());

        Task<IReadOnlyList<string>> TriggersAsync() =>
            db.ListAsync<string>("select tgname::text from pg_trigger where tgrelid = 'videos'::regclass and not tgisinternal order by 1");
    }
}
