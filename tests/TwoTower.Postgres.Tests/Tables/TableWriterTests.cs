using TwoTower.Core;
using TwoTower.Core.Rows;
using TwoTower.Postgres.Tables;
using TwoTower.Testing;

namespace TwoTower.Postgres.Tests.Tables;

public class TableWriterTests(PostgresFixture postgres)
{
    private static readonly DateTimeOffset Time = new DateTimeOffset(2025, 1, 2, 3, 4, 5, TimeSpan.Zero).AddMicroseconds(678_901);

    [Fact]
    public async Task What_is_written_is_read_back_whole()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        var video = new VideoRow
        {
            Id = Guid.NewGuid(),
            ExternalId = "ml:1",
            Title = "A \"quoted\", title\nof two lines 🎬",
            Description = "",
            DurationSeconds = 5400,
            Maker = "m",
            Price = 980.50m,
            DistributionStartedAt = Time,
            ProductReleasedAt = Time.AddDays(-1),
            CreatedAt = Time.AddDays(-2),
            SafetyLevel = 2,
            RegionCodes = ["JP", "with, comma"],
            IsActive = false,
            Tags = ["a", "z", "ホラー", "🎬"],
            Performers = ["O'Neil, Tatum"],
            OtherColumns = VideoColumns.Other.ToDictionary(name => name, name => name switch
            {
                "image_urls" => """["https://x/1.jpg"]""",
                "published_at" => "2025-01-02T03:04:05.000000Z",
                _ => $"some {name}",
            }),
        };
        var empty = new VideoRow { Id = Guid.NewGuid() };
        var user = new ProfileRow(Guid.NewGuid(), "名前", Time);
        var nobody = new ProfileRow(Guid.NewGuid(), null, null);
        var decision = new DecisionRow(user.UserId, video.Id, DecisionType.Like, Time);
        await new TableWriter(db.DataSource).WriteAsync(new([user, nobody], [video, empty], [decision]), null, default);

        var read = await TableReader.ReadAsync(db.DataSource, default);
        Assert.Equal(new[] { user, nobody }.OrderBy(row => row.UserId), read.Profiles);
        Assert.Equal([decision], read.Decisions);
        AssertSame(video, read.Videos.Single(row => row.Id == video.Id));
        AssertSame(empty, read.Videos.Single(row => row.Id == empty.Id));
    }

    [Fact]
    public async Task What_ids_were_made_from_is_read_for_who_asks_only()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        var (made, plain) = (new VideoRow { Id = Guid.NewGuid(), GivenId = "tt1" }, new VideoRow { Id = Guid.NewGuid() });
        var user = new ProfileRow(Guid.NewGuid(), null, null) { GivenId = "7" };
        await new TableWriter(db.DataSource).WriteAsync(new([user], [made, plain], []), null, default);

        var asked = await TableReader.ReadAsync(db.DataSource, null, default, givenIds: true);
        Assert.Equal("7", Assert.Single(asked.Profiles).GivenId);
        Assert.Equal([(made.Id, "tt1"), (plain.Id, null)], asked.Videos.Select(row => (row.Id, row.GivenId)).OrderBy(row => row.GivenId is null));

        // As a training reads, who may not even look at those tables.
        await db.ExecuteAsync("drop table two_tower.given_user_ids, two_tower.given_video_ids");
        var read = await TableReader.ReadAsync(db.DataSource, default);
        Assert.Null(Assert.Single(read.Profiles).GivenId);
        Assert.All(read.Videos, row => Assert.Null(row.GivenId));
    }

    [Fact]
    public async Task Writing_the_same_again_changes_nothing()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        var writer = new TableWriter(db.DataSource);
        await writer.WriteAsync(Golden.Tables, null, default);
        const string state =
            "select md5(string_agg(t, '|' order by t)) from (select v::text || v.xmin as t from videos v union all select p::text || p.xmin "
                + "from profiles p union all select d::text || d.xmin from user_video_decisions d union all select g::text || g.xmin from video_tags g) s";
        var before = await db.ScalarAsync<string>(state);
        await writer.WriteAsync(Golden.Tables, null, default);
        Assert.Equal(before, await db.ScalarAsync<string>(state));
    }

    [Fact]
    public async Task The_planner_knows_the_new_rows_at_once()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        await new TableWriter(db.DataSource).WriteAsync(Golden.Tables, null, default);
        Assert.Equal(
            ["profiles 80", "user_video_decisions 1644", "videos 140"],
            await db.ListAsync<string>("""
                select format('%s %s', relname, reltuples) from pg_class
                where oid in ('profiles'::regclass, 'videos'::regclass, 'user_video_decisions'::regclass) order by 1
                """));
    }

    [Fact]
    public async Task Rows_go_in_by_one_COPY_and_one_upsert_a_table_however_many_they_are()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        await db.ExecuteAsync("""
            create table statements (relation text);
            create function note() returns trigger language plpgsql as $$ begin insert into statements values (tg_table_name); return null; end $$;
            create trigger note after insert on profiles for each statement execute function note();
            create trigger note after insert on videos for each statement execute function note();
            create trigger note after insert on video_tags for each statement execute function note();
            create trigger note after insert on video_performers for each statement execute function note();
            create trigger note after insert on user_video_decisions for each statement execute function note();
            """);
        await new TableWriter(db.DataSource).WriteAsync(Golden.Tables, null, default);
        Assert.Equal(
            ["profiles", "user_video_decisions", "video_performers", "video_tags", "videos"],
            await db.ListAsync<string>("select relation from statements order by 1"));
    }

    [Fact]
    public async Task A_source_without_a_column_leaves_it_as_it_is()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        var writer = new TableWriter(db.DataSource);
        var id = Guid.NewGuid();
        await writer.WriteAsync(new([], [new() { Id = id, Title = "old", Price = 5, SafetyLevel = 2, Tags = ["kept"] }], []), null, default);
        await writer.WriteAsync(
            new([], [new() { Id = id, Title = "new" }], []) { VideoColumns = new HashSet<string> { "id", "title" } }, null, default);
        Assert.Equal("new 5 2", await db.ScalarAsync<string>("select format('%s %s %s', title, price, safety_level) from videos"));
        Assert.Equal(["kept"], await db.ListAsync<string>("select tag_name from video_tags"));
    }

    [Fact]
    public async Task Cancelling_leaves_nothing_half()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        using var stop = new CancellationTokenSource();
        var stopAtDecisions = new Callback(progress =>
        {
            if (progress.Table == "user_video_decisions") stop.Cancel();
        });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => new TableWriter(db.DataSource).WriteAsync(Golden.Tables, stopAtDecisions, stop.Token));
        Assert.Equal(0, await db.ScalarAsync<long>("select (select count(*) from profiles) + (select count(*) from videos) + (select count(*) from video_tags)"));
    }

    [Fact]
    public async Task Progress_ends_at_the_whole_of_each_table()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        List<WriteProgress> told = [];
        await new TableWriter(db.DataSource).WriteAsync(Golden.Tables, new Callback(told.Add), default);
        Assert.Equal(
            ["profiles", "videos", "video_tags", "video_performers", "user_video_decisions"],
            told.Where(progress => progress.Rows == progress.Total).Select(progress => progress.Table).Distinct());
    }

    [Fact]
    public async Task A_database_that_is_not_migrated_is_told_so()
    {
        await using var db = await postgres.CreateEmptyDatabaseAsync();
        Assert.Contains("twotower db migrate", (await Assert.ThrowsAsync<InputException>(
            () => new TableWriter(db.DataSource).WriteAsync(Golden.Tables, null, default))).Message, StringComparison.Ordinal);
        Assert.Contains("twotower db migrate", (await Assert.ThrowsAsync<InputException>(
            () => TableReader.ReadAsync(db.DataSource, default))).Message, StringComparison.Ordinal);
    }

    private static void AssertSame(VideoRow expected, VideoRow actual)
    {
        Assert.Equal(expected.Tags, actual.Tags);
        Assert.Equal(expected.Performers, actual.Performers);
        Assert.Equal(expected.RegionCodes, actual.RegionCodes);
        Assert.Equal(expected.OtherColumns.OrderBy(pair => pair.Key), actual.OtherColumns.OrderBy(pair => pair.Key));
        VideoRow Rest(VideoRow row) => row with
        {
            Tags = expected.Tags,
            Performers = expected.Performers,
            RegionCodes = expected.RegionCodes,
            OtherColumns = expected.OtherColumns,
        };
        Assert.Equal(expected, Rest(actual));
    }

    private sealed class Callback(Action<WriteProgress> action) : IProgress<WriteProgress>
    {
        public void Report(WriteProgress value) => action(value);
    }
}
