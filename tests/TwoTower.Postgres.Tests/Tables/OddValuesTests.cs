using TwoTower.Postgres.Tables;
using TwoTower.Testing;

namespace TwoTower.Postgres.Tests.Tables;

/// <summary>Values that no model reads are told once, with table, column, id and value.</summary>
public class OddValuesTests(PostgresFixture postgres)
{
    [Fact]
    public async Task What_is_NULL_to_a_model_and_what_is_not_read_is_told_with_the_first_of_each()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        await db.ExecuteAsync(
            """
            alter table user_video_decisions drop constraint user_video_decisions_decision_type_check;
            alter table videos alter region_codes drop not null;
            insert into profiles values ('00000000-0000-0000-0000-0000000000a1', 'ann', 'infinity');
            insert into videos (id, price, product_released_at, region_codes) values
              ('00000000-0000-0000-0000-0000000000f1', 'NaN', '0044-03-15 BC', '{JP,NULL}'),
              ('00000000-0000-0000-0000-0000000000f2', 1e40, '20000-01-01', null),
              ('00000000-0000-0000-0000-0000000000f3', 5, '2020-01-01', '{}');
            insert into user_video_decisions values
              ('00000000-0000-0000-0000-0000000000a1', '00000000-0000-0000-0000-0000000000f1', 'like', '2025-01-01'),
              ('00000000-0000-0000-0000-0000000000a1', '00000000-0000-0000-0000-0000000000f1', 'view', '2025-01-01'),
              ('00000000-0000-0000-0000-0000000000a1', '00000000-0000-0000-0000-0000000000f1', 'like', '2999-01-01'),
              ('00000000-0000-0000-0000-0000000000a1', '00000000-0000-0000-0000-0000000000f1', 'like', '-infinity');
            """);
        var told = new List<string>();

        var tables = await TableReader.ReadAsync(db.DataSource, null, default, told.Add);

        Assert.Single(tables.Decisions);
        Assert.Contains("public.videos.price: 2 values are NULL to a model (the first: 00000000-0000-0000-0000-0000000000f1 has NaN)",
            told);
        Assert.Contains("public.videos.region_codes: 1 value is NULL to a model (the first: 00000000-0000-0000-0000-0000000000f1 has {JP,NULL})", told);
        Assert.Contains(told, line => line.StartsWith("public.videos.product_released_at: 2 values are NULL", StringComparison.Ordinal));
        Assert.Contains(told, line =>
            line.StartsWith("public.profiles.created_at: 1 value is NULL to a model (the first: 00000000-0000-0000-0000-0000000000a1 has infinity", StringComparison.Ordinal));
        Assert.Contains(told, line =>
            line.Contains("1 row isn't read, because decision_type is neither like nor nope (the first: user 00000000-0000-0000-0000-0000000000a1, "
            + "video 00000000-0000-0000-0000-0000000000f1: view", StringComparison.Ordinal));
        Assert.Contains(told, line => line.Contains("because created_at is in the future", StringComparison.Ordinal));
        Assert.Contains(told, line => line.Contains("because created_at is no time that a model reads", StringComparison.Ordinal));
        Assert.Equal(7, told.Count);
    }

    [Fact]
    public async Task A_database_without_any_is_not_spoken_of()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        await new TableWriter(db.DataSource).WriteAsync(Golden.Tables, null, default);
        var told = new List<string>();
        await TableReader.ReadAsync(db.DataSource, null, default, told.Add);
        Assert.Empty(told);
    }

    [Fact]
    public async Task Rows_whose_user_video_or_name_is_NULL_are_told_and_no_training_ends_of_them()
    {
        await using var db = await postgres.CreateEmptyDatabaseAsync();
        await db.ExecuteAsync(
            """
            create table profiles (user_id uuid unique, display_name text, created_at timestamptz);
            create table videos (id uuid unique, title text);
            create table performers (id int primary key, name text); create table video_performers (video_id uuid, performer_id int);
            create table video_tags (video_id uuid, tag_name text);
            """);
        await Postgres.Schema.Migrator.MigrateAsync(db.DataSource, null, default);
        await db.ExecuteAsync(
            """
            insert into profiles values (null, 'nobody'), (null, 'no one'), ('00000000-0000-0000-0000-0000000000a1', 'ann');
            insert into videos (id, title) values (null, 'nothing'), ('00000000-0000-0000-0000-0000000000f1', 'Heat');
            update videos set safety_level = 0;
            insert into performers values (1, null), (2, 'Pacino');
            insert into video_performers select id, n from videos, generate_series(1, 2) n where id is not null;
            insert into video_tags values ('00000000-0000-0000-0000-0000000000f1', null), (null, 'crime'), ('00000000-0000-0000-0000-0000000000f1', 'crime'),
              ('00000000-0000-0000-0000-0000000000f2', 'drama');
            update video_tags set tag_name = 'thriller' where tag_name = 'crime' and video_id is null;
            """);
        var told = new List<string>();
        var tables = await TableReader.ReadAsync(db.DataSource, null, default, told.Add);
        Assert.Equal("ann", Assert.Single(tables.Profiles).DisplayName);
        var video = Assert.Single(tables.Videos);
        Assert.Equal(["crime"], video.Tags);
        Assert.Equal(["Pacino"], video.Performers);
        Assert.Equal(
            [
                "public.profiles: 2 rows aren't read, because user_id is NULL (the first: display_name no one)",
                "public.video_performers: 1 row isn't read, because the name is NULL (the first: video 00000000-0000-0000-0000-0000000000f1, NULL)",
                "public.video_tags: 1 row isn't read, because the name is NULL (the first: video 00000000-0000-0000-0000-0000000000f1, NULL)",
                "public.video_tags: 1 row isn't read, because the video is NULL (the first: video NULL, thriller)",
                "public.video_tags: 1 row isn't read, because the video isn't there (the first: video 00000000-0000-0000-0000-0000000000f2, drama)",
                "public.videos: 1 row isn't read, because id is NULL (the first: title nothing)",
            ],
            told.Order(StringComparer.Ordinal));
        Assert.Equal(video.Id, Assert.Single(await Postgres.Features.PayloadReader.ReadItemsAsync(db.DataSource, null, default).ToListAsync()).VideoId);
        Assert.True(await new Postgres.Serving.VideoStatistics(db.DataSource).RefreshAsync() > 0);
        await db.ExecuteAsync("update videos set safety_level = 1; delete from video_tags; delete from videos; truncate video_tags");
    }
}
