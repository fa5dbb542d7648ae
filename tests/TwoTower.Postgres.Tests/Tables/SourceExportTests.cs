using TwoTower.Core;
using TwoTower.Datasets.Import;
using TwoTower.Postgres.Schema;
using TwoTower.Postgres.Tables;
using TwoTower.Testing;

namespace TwoTower.Postgres.Tests.Tables;

/// <summary>Tables of theirs with keys of any type, read as an import reads them.</summary>
public sealed class SourceExportTests(PostgresFixture postgres)
{
    [Theory]
    [InlineData("bigint", "1", "2", "10", "11")]
    [InlineData("int", "1", "2", "10", "11")]
    [InlineData("numeric(9,2)", "1", "2", "10", "11")]
    [InlineData("text", "ann@x", "b,\"ob", "tt0113277", "tt 2")]
    [InlineData("char(9)", "ann", "bob", "a", "b")]
    public async Task Keys_of_any_type_come_in_as_what_they_are(string type, string u1, string u2, string v1, string v2)
    {
        await using var db = await postgres.CreateEmptyDatabaseAsync();
        await db.ExecuteAsync(
            $"""
            create table profiles (user_id {type} primary key, display_name text, joined date);
            create table videos (id {type} primary key, title text, price money, stock int);
            create table tags (id int primary key, name text);
            create table video_tags (video_id {type}, tag_id int);
            create table user_video_decisions (user_id {type}, video_id {type}, decision_type text, created_at timestamp);
            insert into profiles values ('{u1}', 'Ann'), ('{u2}', null);
            insert into videos values ('{v1}', 'Heat, "1995"', 9.5, 3), ('{v2}', 'Ronin', null, 0);
            insert into tags values (5, 'crime');
            insert into video_tags values ('{v1}', 5);
            insert into user_video_decisions values ('{u1}', '{v1}', 'like', '2025-02-01'), ('{u2}', '{v2}', 'nope', '2025-02-02 12:00');
            """);
        Assert.Equal(2, (await Migrator.FindMisfitsAsync(db.DataSource, default)).Misfits.Count(line => line.StartsWith("The table public.user_video_decisions", StringComparison.Ordinal)
            && line.Contains("_id of type", StringComparison.Ordinal)));

        await using var ours = await postgres.CreateDatabaseAsync();
        for (var time = 0; time < 2; time++)
        {
            using var folder = new TemporaryFolder();
            await SourceExport.WriteAsync(db.DataSource, folder.Path, null, default);
            await new TableWriter(ours.DataSource).WriteAsync(CsvTableReader.Read(folder.Path), null, default);
        }

        Assert.Equal([$"{v1} Heat, \"1995\"", $"{v2} Ronin"], await ours.ListAsync<string>("select external_id || ' ' || title from videos order by title"));
        Assert.Equal([$"{v1} crime"], await ours.ListAsync<string>("select v.external_id || ' ' || t.tag_name from video_tags t join videos v on v.id = t.video_id"));
        Assert.Equal([u1, u2], await ours.ListAsync<string>("select g.given_id from user_video_decisions join two_tower.given_user_ids g using (user_id) order by created_at"));
        Assert.Equal([v1, v2], await ours.ListAsync<string>("select g.given_id from user_video_decisions join two_tower.given_video_ids g using (video_id) order by created_at"));
        Assert.Equal("2025-02-02 12:00:00+00", await ours.ScalarAsync<string>("set timezone = 'UTC'; select max(created_at)::text from user_video_decisions"));

        // They go with their rows.
        await ours.ExecuteAsync("delete from videos; truncate profiles, user_video_decisions");
        await ours.ScalarAsync<long>("select two_tower.refresh_video_statistics()");
        Assert.Equal(0, await ours.ScalarAsync<long>("select (select count(*) from two_tower.given_user_ids) + (select count(*) from two_tower.given_video_ids)"));
    }

    [Fact]
    public async Task A_table_of_other_columns_or_names_needs_a_view_which_is_printed_as_it_has_to_be()
    {
        await using var db = await postgres.CreateEmptyDatabaseAsync();
        await db.ExecuteAsync(
            """
            create table videos ("videoNo" int primary key, title text);
            create table user_video_decisions (customer_id int, item_id int, action text, happened_at timestamptz, note text);
            insert into videos values (1, 'Heat');
            insert into user_video_decisions values (7, 1, 'like', '2025-02-01', 'x');
            """);
        using var folder = new TemporaryFolder();
        var error = await Assert.ThrowsAsync<InputException>(() => SourceExport.WriteAsync(db.DataSource, folder.Path, null, default));
        string[] views =
        [
            "create view two_tower.videos as select \"videoNo\" as id, title from public.videos",
            "create view two_tower.user_video_decisions as select customer_id as user_id, item_id as video_id, action as decision_type, happened_at as created_at from public.user_video_decisions",
        ];
        Assert.All(views, view => Assert.Contains(view, error.Message, StringComparison.Ordinal));
        Assert.Contains("create view two_tower.profiles as select <user_id> as user_id from <your table>", error.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFiles(folder.Path));

        // With them, and without a table of users, all is there.
        await db.ExecuteAsync($"create schema if not exists two_tower; {string.Join("; ", views)}");
        await SourceExport.WriteAsync(db.DataSource, folder.Path, null, default);
        var tables = CsvTableReader.Read(folder.Path);
        Assert.Equal(("1", "Heat"), (Assert.Single(tables.Videos).GivenId, tables.Videos[0].Title));
        Assert.Equal("7", Assert.Single(tables.Profiles).GivenId);
        Assert.Equal(tables.Profiles[0].UserId, Assert.Single(tables.Decisions).UserId);
    }

    [Theory]
    [InlineData("id int, label text", "video_id int, tag_id int", "select t.video_id as video_id, n.label as tag_name from public.video_tags t join public.tags n on n.id = t.tag_id")]
    [InlineData("tag_id int, name text", "video_id int, tag_id int", "select t.video_id as video_id, n.name as tag_name from public.video_tags t join public.tags n on n.tag_id = t.tag_id")]
    [InlineData("tag_id int, tag_name text", "video_id int, tag_id int", "select t.video_id as video_id, n.tag_name as tag_name from public.video_tags t join public.tags n on n.tag_id = t.tag_id")]
    [InlineData("\"tagNo\" int, \"Title\" text", "video_id int, tag_id int",
        "select t.video_id as video_id, n.\"Title\" as tag_name from public.video_tags t join public.tags n on n.\"tagNo\" = t.tag_id")]
    [InlineData("id bigint, label text", "video_id int, tag_id int", "select t.video_id as video_id, n.label as tag_name from public.video_tags t join public.tags n on n.id = t.tag_id")]
    [InlineData("id int, label text", "video_id int, tag_id text", "select t.video_id as video_id, n.label as tag_name from public.video_tags t join public.tags n on n.id::text = t.tag_id::text")]
    [InlineData("id int, name text", "item int, tag_id int", "select t.item as video_id, n.name as tag_name from public.video_tags t join public.tags n on n.id = t.tag_id")]
    [InlineData("id int, wording text", "video_id int, tag_id int", "select t.video_id as video_id, n.<name> as tag_name from public.video_tags t join public.tags n on n.id = t.tag_id")]
    public async Task Names_in_a_table_of_other_columns_need_a_view_which_is_printed_as_it_has_to_be(string tags, string links, string view)
    {
        await using var db = await postgres.CreateEmptyDatabaseAsync();
        await db.ExecuteAsync(
            $"""
            create table videos (id int primary key, title text);
            create table user_video_decisions (user_id int, video_id int, decision_type text, created_at timestamptz);
            create table tags ({tags}); create table video_tags ({links});
            insert into videos values (1, 'Heat');
            insert into user_video_decisions values (7, 1, 'like', '2025-02-01');
            insert into tags values (5, 'crime'); insert into video_tags values (1, 5);
            """);
        using var folder = new TemporaryFolder();
        var error = await Assert.ThrowsAsync<InputException>(() => SourceExport.WriteAsync(db.DataSource, folder.Path, null, default));
        Assert.Contains($"create view two_tower.video_tags as {view}. ", error.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFiles(folder.Path));

        await db.ExecuteAsync($"create schema two_tower; create view two_tower.video_tags as {view.Replace("<name>", "wording", StringComparison.Ordinal)}");
        await SourceExport.WriteAsync(db.DataSource, folder.Path, null, default);
        Assert.Equal(["crime"], Assert.Single(CsvTableReader.Read(folder.Path).Videos).Tags);
    }

    [Fact]
    public async Task Names_are_found_by_a_number_that_is_a_text_on_the_other_side()
    {
        await using var db = await postgres.CreateEmptyDatabaseAsync();
        await db.ExecuteAsync(
            """
            create table videos (id int primary key, title text);
            create table user_video_decisions (user_id int, video_id int, decision_type text, created_at timestamptz);
            create table performers (id bigint, name text); create table video_performers (video_id int, performer_id varchar(9));
            insert into videos values (1, 'Heat'); insert into user_video_decisions values (7, 1, 'like', '2025-02-01');
            insert into performers values (5, 'Pacino'); insert into video_performers values (1, '5');
            """);
        using var folder = new TemporaryFolder();
        await SourceExport.WriteAsync(db.DataSource, folder.Path, null, default);
        Assert.Equal(["Pacino"], Assert.Single(CsvTableReader.Read(folder.Path).Videos).Performers);
    }

    [Fact]
    public async Task Rows_that_a_policy_hides_are_an_error_not_a_part()
    {
        await using var db = await postgres.CreateEmptyDatabaseAsync();
        await db.ExecuteAsync(
            """
            create table videos (id int primary key); create table user_video_decisions (user_id int, video_id int, decision_type text, created_at timestamptz);
            alter table videos enable row level security;
            """);
        await using var reader = await db.AsRoleAsync(role => $"grant select on videos, user_video_decisions to {role}");
        using var folder = new TemporaryFolder();
        var error = await Assert.ThrowsAsync<InputException>(() => SourceExport.WriteAsync(reader.DataSource, folder.Path, null, default));
        Assert.Contains("Row-level security hides rows of public.videos", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Columns_are_found_whatever_their_case_and_what_is_not_read_is_told()
    {
        await using var db = await postgres.CreateEmptyDatabaseAsync();
        await db.ExecuteAsync(
            """
            create table profiles ("userId" int primary key, "Display Name" text, joined date);
            create table videos ("ID" bigint primary key, "Title" text, cost numeric, "Price" money, titel text);
            create table user_video_decisions ("USER_ID" int, "VideoId" bigint, "decisionType" text, "CreatedAt" timestamptz, note text);
            create table tags (id int primary key, "Name" text, colour text); create table video_tags ("videoId" bigint, "TAG_ID" int, weight real);
            create table video_performers (video_id bigint, "Performer-Name" text, role text);
            insert into profiles values (7, 'Ann'); insert into videos values (1, 'Heat', 3, 9.5);
            insert into user_video_decisions values (7, 1, 'like', '2025-02-01', 'x');
            insert into tags values (5, 'crime', 'red'); insert into video_tags values (1, 5, 0.5);
            insert into video_performers values (1, 'Pacino', 'Hanna');
            """);
        using var folder = new TemporaryFolder();
        var told = new List<string>();
        await SourceExport.WriteAsync(db.DataSource, folder.Path, null, default, told.Add);
        var tables = CsvTableReader.Read(folder.Path);
        var video = Assert.Single(tables.Videos);
        Assert.Equal(("1", "Heat", 9.5m, "crime", "Pacino"), (video.GivenId, video.Title, video.Price, Assert.Single(video.Tags), Assert.Single(video.Performers)));
        Assert.Equal(("7", "Ann"), (Assert.Single(tables.Profiles).GivenId, tables.Profiles[0].DisplayName));
        Assert.Equal(video.Id, Assert.Single(tables.Decisions).VideoId);
        Assert.Equal(
            [
                "public.profiles: column 'joined' is ignored",
                "public.videos: column 'cost' is ignored",
                "public.videos: column 'titel' is ignored",
                "public.user_video_decisions: column 'note' is ignored",
                "public.video_tags: column 'weight' is ignored",
                "public.tags: column 'colour' is ignored",
                "public.video_performers: column 'role' is ignored",
            ],
            told);
    }

    [Theory]
    [InlineData(
        "create table videos (id int, \"Title\" text, \"TITLE\" text);",
        "create view two_tower.videos as select id, <\"Title\" or \"TITLE\"> as title from public.videos. ")]
    [InlineData(
        "create table videos (\"Id\" int, \"ID\" int, title text);", "create view two_tower.videos as select <\"Id\" or \"ID\"> as id, title from public.videos. ")]
    [InlineData(
        "create table videos (id int); create table video_tags (video_id int, \"Tag_Name\" text, \"tagName\" text);",
        "create view two_tower.video_tags as select video_id, <\"Tag_Name\" or \"tagName\"> as tag_name from public.video_tags. ")]
    public async Task Columns_that_differ_in_case_only_are_told_apart_by_a_view(string tables, string view)
    {
        await using var db = await postgres.CreateEmptyDatabaseAsync();
        await db.ExecuteAsync($"{tables} create table user_video_decisions (user_id int, video_id int, decision_type text, created_at timestamptz);");
        using var folder = new TemporaryFolder();
        var error = await Assert.ThrowsAsync<InputException>(() => SourceExport.WriteAsync(db.DataSource, folder.Path, null, default));
        Assert.Contains(view, error.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFiles(folder.Path));
    }

    [Fact]
    public async Task Columns_whose_names_are_words_of_SQL_are_the_columns()
    {
        await using var db = await postgres.CreateEmptyDatabaseAsync();
        await db.ExecuteAsync(
            """
            create table videos (id int primary key, title text);
            create table user_video_decisions ("user" int, "order" int, item int, action text, "time" timestamptz);
            insert into videos values (1, 'Heat'); insert into user_video_decisions values (7, 3, 1, 'like', '2025-02-01');
            """);
        using var folder = new TemporaryFolder();
        const string View = "create view two_tower.user_video_decisions as select \"user\" as user_id, item as video_id, action as decision_type, \"time\" as created_at "
            + "from public.user_video_decisions";
        Assert.Contains(View, (await Assert.ThrowsAsync<InputException>(() => SourceExport.WriteAsync(db.DataSource, folder.Path, null, default))).Message, StringComparison.Ordinal);
        await db.ExecuteAsync($"create schema two_tower; {View}");
        await SourceExport.WriteAsync(db.DataSource, folder.Path, null, default);
        Assert.Equal("7", Assert.Single(CsvTableReader.Read(folder.Path).Profiles).GivenId);
    }

    [Theory]
    [InlineData("grant select on two_tower.videos to {0};", "permission denied for table items. Use the owner of what it names, or let the owner grant this user the right.")]
    [InlineData(
        "grant select on two_tower.videos, shop.items to {0}; alter table shop.items enable row level security;",
        "for table \"items\". Row-level security would hide rows of it. Use the table's owner or a user with bypassrls; of a table behind a view that is the view's owner.")]
    public async Task What_a_view_may_not_read_is_told_with_what_is_right_for_it(string rights, string reason)
    {
        await using var db = await postgres.CreateEmptyDatabaseAsync();
        var role = $"twotower_test_{Guid.NewGuid():N}";
        await db.ExecuteAsync(
            $"""
            create schema shop; create schema two_tower;
            create table shop.items (id int primary key); create table user_video_decisions (user_id int, video_id int, decision_type text, created_at timestamptz);
            create view two_tower.videos with (security_invoker) as select id from shop.items;
            create role {role} login password 'of a test'; grant usage on schema shop, two_tower to {role}; grant select on user_video_decisions to {role};
            {string.Format(System.Globalization.CultureInfo.InvariantCulture, rights, role)}
            """);
        try
        {
            await using var reader = Npgsql.NpgsqlDataSource.Create(
                new Npgsql.NpgsqlConnectionStringBuilder(db.ConnectionString) { Username = role, Password = "of a test", Pooling = false }.ConnectionString);
            using var folder = new TemporaryFolder();
            var error = await Assert.ThrowsAsync<InputException>(() => SourceExport.WriteAsync(reader, folder.Path, null, default));
            Assert.Contains(reason, error.Message, StringComparison.Ordinal);
            Assert.DoesNotContain("create extension", error.Message, StringComparison.Ordinal);

            // What the sentence about the extension is for.
            var denied = await Assert.ThrowsAsync<Npgsql.PostgresException>(() => reader.CreateCommand("create extension vector").ExecuteNonQueryAsync());
            Assert.EndsWith("Let an administrator run: create extension vector;", Postgres.Connections.DatabaseErrors.Explain(denied, reader)!.Message, StringComparison.Ordinal);
        }
        finally
        {
            await db.ExecuteAsync($"drop owned by {role}; drop role {role}");
        }
    }
}
