using TwoTower.Core;
using TwoTower.Core.Rows;
using TwoTower.Postgres.Features;
using TwoTower.Postgres.Gate;
using TwoTower.Postgres.Serving;
using TwoTower.Postgres.Tables;
using TwoTower.Testing;

namespace TwoTower.Postgres.Tests.Tables;

/// <summary>What comes in arrives as it is, in tables of any shape, or is refused or told.</summary>
public class WholeOrRefusedTests(PostgresFixture postgres)
{
    private static readonly Guid User = Guid.Parse("00000000-0000-4000-8000-000000000101");
    private static readonly Guid Video = Guid.Parse("00000000-0000-4000-8000-000000000201");
    private static readonly DateTimeOffset Time = new DateTimeOffset(2024, 2, 1, 10, 0, 0, TimeSpan.Zero).AddMilliseconds(400);

    [Theory]
    [InlineData("primary key (user_id, video_id)", "nope 2024-03-01")]
    [InlineData("primary key (user_id, video_id, decision_type)", "like 2024-02-02,nope 2024-03-01")]
    [InlineData("id bigint generated always as identity primary key, unique (video_id, user_id)", "nope 2024-03-01")]
    [InlineData("session_id uuid default gen_random_uuid(), primary key (user_id, video_id, session_id)", "like 2024-02-01,like 2024-02-02,nope 2024-03-01")]
    public async Task A_table_that_keeps_less_than_the_decisions_say_keeps_the_latest_and_the_rest_is_told(string key, string kept)
    {
        await using var db = await MigratedAsync($"""
            create table user_video_decisions (
              user_id uuid not null, video_id uuid not null, decision_type text not null, created_at timestamptz not null default now(), {key});
            """);
        var rows = Decisions((DecisionType.Like, Time), (DecisionType.Nope, Time.AddDays(29)), (DecisionType.Like, Time.AddDays(1)));
        var first = await WriteAsync(db, rows);
        var second = await WriteAsync(db, rows);

        var expected = kept.Split(',');
        Assert.Equal(expected, await db.ListAsync<string>("select decision_type || ' ' || created_at::date from user_video_decisions order by created_at"));
        Assert.Equal(expected.Length, first.Decisions);
        Assert.Equal(0, second.Decisions);
        if (expected.Length < 3) Assert.Contains($"{3 - expected.Length} of 3 decisions are earlier ones of the same (", Assert.Single(first.Notes), StringComparison.Ordinal);
        else Assert.Empty(first.Notes);
    }

    [Fact]
    public async Task A_decision_that_the_table_has_later_than_the_file_stays()
    {
        await using var db = await MigratedAsync("create table user_video_decisions (user_id uuid, video_id uuid, decision_type text, created_at timestamptz, primary key (user_id, video_id));");
        await WriteAsync(db, Decisions((DecisionType.Nope, Time.AddDays(2))));
        Assert.Equal(0, (await WriteAsync(db, Decisions((DecisionType.Like, Time)))).Decisions);
        Assert.Equal("nope", await db.ScalarAsync<string>("select decision_type from user_video_decisions"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_name_that_no_index_holds_is_named_and_nothing_is_written(bool isTag)
    {
        await using var db = await postgres.CreateDatabaseAsync();
        var random = new Random(3);
        var name = string.Concat(Enumerable.Range(0, 9000).Select(_ => (char)('!' + random.Next(90))));
        var video = new VideoRow { Id = Video, Title = name, Tags = isTag ? ["ok", name] : [], Performers = isTag ? [] : [name] };
        var error = await Assert.ThrowsAsync<InputException>(() =>
            new TableWriter(db.DataSource).WriteAsync(new([], [video], []), null, default));
        Assert.Contains($"The longest has {9000:N0} letters, of video {Video}: '{name[..60]}…'. Nothing was written.", error.Message, StringComparison.Ordinal);
        Assert.Equal(0, await db.ScalarAsync<long>("select count(*) from videos"));
    }

    [Fact]
    public async Task Coarser_times_are_told_and_importing_twice_is_importing_once()
    {
        await using var db = await MigratedAsync("create table user_video_decisions (user_id uuid, video_id uuid, decision_type text, created_at timestamptz(0));");
        var rows = Decisions((DecisionType.Like, Time), (DecisionType.Like, Time.AddMilliseconds(20)));
        var first = await WriteAsync(db, rows);
        Assert.Equal((1L, 0L), (first.Decisions, (await WriteAsync(db, rows)).Decisions));
        Assert.Equal(2, first.Notes.Count);
        Assert.Contains("2 times of public.user_video_decisions.created_at are kept as timestamp(0) with time zone", first.Notes[0], StringComparison.Ordinal);
        Assert.Contains("1 of 2 decisions are the same as another one", first.Notes[1], StringComparison.Ordinal);
        Assert.Equal(1, await db.ScalarAsync<long>("select count(*) from user_video_decisions"));
    }

    [Fact]
    public async Task An_index_that_would_leave_out_decisions_is_named_before_anything_is_written()
    {
        await using var db = await MigratedAsync("""
            create table user_video_decisions (user_id uuid, video_id uuid, decision_type text, created_at timestamptz);
            create unique index one_a_day on user_video_decisions (user_id, video_id) where decision_type = 'like';
            """);
        var refusal =
            await Assert.ThrowsAsync<InputException>(
                () => WriteAsync(db, Decisions((DecisionType.Like, Time), (DecisionType.Like, Time.AddDays(1)))));
        Assert.Contains("took 1 of 2 new decisions", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(0, await db.ScalarAsync<long>("select (select count(*) from user_video_decisions) + (select count(*) from videos)"));
    }

    [Theory]
    [InlineData("title varchar(5)", "public.videos.title is character varying(5) and doesn't hold 'a title' of id 00000000-0000-4000-8000-000000000201: it would become 'a tit'")]
    [InlineData("price int", "public.videos.price is integer and doesn't hold '9.50' of id 00000000-0000-4000-8000-000000000201: it would become '10'")]
    [InlineData("price numeric(8,1), title text", "public.videos.price is numeric(8,1)")]
    [InlineData("director varchar(3)", "public.videos.director is character varying(3) and doesn't hold 'Tatum'")]
    public async Task A_value_that_a_column_would_change_is_refused(string column, string reason)
    {
        await using var db = await MigratedAsync($"create table videos (id uuid primary key, {column});");
        var video = new VideoRow { Id = Video, Title = "a title", Price = 9.50m + 0.00m, OtherColumns = new Dictionary<string, string> { ["director"] = "Tatum" } };
        if (column.Contains("(8,1)", StringComparison.Ordinal)) video = video with { Price = 9.55m };
        var refusal = await Assert.ThrowsAsync<InputException>(() => WriteAsync(db, new([], [video], [])));
        Assert.Contains(reason, refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("create table video_tags (video_id uuid primary key, tag_name text);", "public.video_tags doesn't take 1 names as they are, such as ")]
    [InlineData(
        "create table video_tags (video_id uuid, tag_name text); create unique index once on video_tags (video_id, lower(tag_name));",
        "public.video_tags doesn't take 1 names as they are, such as ")]
    [InlineData(
        """
        create table video_tags (video_id uuid, tag_name text);
        create function low() returns trigger language plpgsql as $$ begin new.tag_name := lower(new.tag_name); return new; end $$;
        create trigger low before insert on video_tags for each row execute function low();
        """,
        "public.video_tags doesn't take 1 names as they are, such as 'Crime' of video 00000000-0000-4000-8000-000000000201: one of its unique indexes, or a trigger")]
    [InlineData(
        """
        create table tags (id int generated always as identity primary key, name text);
        create table video_tags (video_id uuid, tag_id int, primary key (video_id, tag_id));
        create function skip() returns trigger language plpgsql as $$ begin return null; end $$;
        create trigger skip before insert on tags for each row when (new.name = 'Crime') execute function skip();
        """,
        "public.tags doesn't take 1 names as they are, such as 'Crime' of video 00000000-0000-4000-8000-000000000201")]
    [InlineData("create table video_tags (video_id uuid, tag_name varchar(3));", "public.video_tags.tag_name is character varying(3) and doesn't hold 'Crime' of video_id")]
    [InlineData("create table video_tags (video_id uuid, tag_name char(6));", "public.video_tags.tag_name is character(6) and doesn't hold 'a tag of many letters, ")]
    [InlineData("create table video_tags (video_id uuid, tag_name name);", "public.video_tags.tag_name is name and doesn't hold 'a tag of many letters, ")]
    [InlineData(
        """
        create table tags (id int generated always as identity primary key, name varchar(20));
        create table video_tags (video_id uuid, tag_id int, primary key (video_id, tag_id));
        """,
        "public.tags.name is character varying(20) and doesn't hold 'a tag of many letters, ")]
    [InlineData(
        """
        create table performers (id uuid primary key, name name);
        create table video_performers (video_id uuid, performer_id uuid, primary key (video_id, performer_id));
        """,
        "public.performers.name is name and doesn't hold 'a tag of many letters, ")]
    public async Task Names_that_a_table_leaves_out_or_cuts_are_refused_and_nothing_is_written(string tables, string reason)
    {
        await using var db = await MigratedAsync(tables);
        var isCut = reason.Contains("doesn't hold", StringComparison.Ordinal);
        string[] names = isCut && reason.Contains("of many letters", StringComparison.Ordinal)
            ? ["a tag of many letters, more than sixty-three of them, which a name has not room for"] : ["Crime", "crime"];
        var refusal = await Assert.ThrowsAsync<InputException>(
            () => WriteAsync(db, new([], [new() { Id = Video, Title = "t", Tags = names, Performers = names }], [])));
        Assert.Contains(reason, refusal.Message, StringComparison.Ordinal);
        Assert.Contains("Nothing was written.", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(0, await db.ScalarAsync<long>("select (select count(*) from videos) + (select count(*) from video_tags)"));
    }

    [Theory]
    [InlineData("create table video_tags (video_id uuid, tag_name text);")]
    [InlineData("create table video_tags (video_id uuid, tag_name varchar(5), primary key (video_id, tag_name));")]
    [InlineData("create table tags (id int generated always as identity primary key, name name); create table video_tags (video_id uuid, tag_id int);")]
    public async Task Names_of_tables_of_theirs_that_hold_them_are_all_there_and_once(string tables)
    {
        await using var db = await MigratedAsync(tables);
        var rows = new TableSet([], [new() { Id = Video, Tags = ["Crime", "crime", "", "Crime"] }], []);
        for (var time = 0; time < 2; time++) Assert.Empty((await WriteAsync(db, rows)).Notes);
        Assert.Equal(["", "Crime", "crime"], await db.ListAsync<string>("select tag_name::text from two_tower.video_tag_names order by tag_name::text collate \"C\""));
    }

    [Fact]
    public async Task A_time_that_is_read_as_text_and_kept_coarser_is_told()
    {
        await using var db = await MigratedAsync("create table videos (id uuid primary key, published_at timestamptz(0));");
        var video = new VideoRow { Id = Video, OtherColumns = new Dictionary<string, string> { ["published_at"] = "2024-02-01 10:00:00.4+00" } };
        var result = await WriteAsync(db, new([], [video], []));
        Assert.Contains(
            "1 times of public.videos.published_at are kept as timestamp(0) with time zone: 2024-02-01 10:00:00.4+00 becomes 2024-02-01 10:00:00+00",
            Assert.Single(result.Notes), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Year_one_and_values_that_only_Postgres_has_arrive_as_they_are()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        var yearOne = new DateTimeOffset(1, 1, 1, 0, 0, 0, TimeSpan.Zero);
        await WriteAsync(db, new(
            [new(User, "ann", yearOne), new(Guid.NewGuid(), "bob", null) { ExactCreatedAt = "20000-01-01 00:00:00+00" }],
            [
                new() { Id = Video, CreatedAt = yearOne, ProductReleasedAt = Time, Price = 5 },
                new()
                {
                    Id = Guid.NewGuid(),
                    Exact = new Dictionary<string, string?> { ["price"] = "NaN", ["product_released_at"] = "0044-03-15 00:00:00+00 BC", ["region_codes"] = "{JP,NULL}" },
                },
            ],
            [new(User, Video, DecisionType.Like, Time)])
        {
            ExactDecisions = [new(User, Video, DecisionType.Nope, "-infinity")],
        });
        Assert.Equal(["0001-01-01 00:00:00+00", "20000-01-01 00:00:00+00"], await db.ListAsync<string>("select (created_at at time zone 'UTC')::text || '+00' from profiles order by created_at"));
        Assert.Equal(
            ["5 2024-02-01 10:00:00.4 {}", "NaN 0044-03-15 00:00:00 BC {JP,NULL}"],
            await db.ListAsync<string>("select format('%s %s %s', price, product_released_at at time zone 'UTC', region_codes) from videos order by price"));
        Assert.Equal(["-infinity", "2024-02-01 10:00:00.4"], await db.ListAsync<string>("select (created_at at time zone 'UTC')::text from user_video_decisions order by created_at"));
    }

    [Fact]
    public async Task What_nobody_has_judged_is_NULL_or_hidden_and_never_for_everyone()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        var hidden = new VideoRow { Id = Video, SafetyLevel = 3, IsActive = false, RegionCodes = ["JP"] };
        await WriteAsync(db, new([], [hidden], []));
        var unset = new Dictionary<string, string?> { ["safety_level"] = null, ["is_active"] = null, ["region_codes"] = null };
        var rows = new TableSet([], [new() { Id = Video, Exact = unset }, new() { Id = Guid.NewGuid(), Exact = unset }], []);
        var result = await WriteAsync(db, rows);
        Assert.Equal(["3 f {JP}", "0 f {}"], await db.ListAsync<string>("select format('%s %s %s', safety_level, is_active, region_codes) from videos order by safety_level desc"));
        Assert.Contains("1 new videos have an empty safety_level or is_active: they are hidden", Assert.Single(result.Notes), StringComparison.Ordinal);

        await db.ExecuteAsync("alter table videos alter safety_level drop not null, alter is_active drop not null, alter region_codes drop not null");
        await WriteAsync(db, rows);
        Assert.Equal(2, await db.ScalarAsync<long>("select count(*) from videos where safety_level is null and is_active is null and region_codes is null"));
    }

    [Fact]
    public async Task A_level_that_is_empty_hides_a_new_video_of_a_source_without_is_active()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        await WriteAsync(db, new([], [new() { Id = Video, SafetyLevel = 2 }], []));
        var columns = new HashSet<string> { "id", "safety_level" };
        var unset = new Dictionary<string, string?> { ["safety_level"] = null };
        await WriteAsync(
            db, new([],
                [new() { Id = Video, Exact = unset }, new() { Id = Guid.NewGuid(), Exact = unset },
                    new() { Id = Guid.NewGuid(), SafetyLevel = 1 }], [])
            { VideoColumns = columns });
        Assert.Equal(["2 t", "1 t", "0 f"], await db.ListAsync<string>("select format('%s %s', safety_level, is_active) from videos order by safety_level desc"));
    }

    [Fact]
    public async Task A_source_without_a_column_of_profiles_leaves_it_as_it_is()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        await WriteAsync(db, new([new(User, "ann", Time)], [], []));
        await WriteAsync(db, new([new(User, null, null), new(Guid.NewGuid(), "7", null)], [], []) { ProfileColumns = new HashSet<string>() });
        Assert.Equal(["7 t", "ann f"], await db.ListAsync<string>("select format('%s %s', display_name, created_at is null) from profiles order by 1"));
    }

    [Fact]
    public async Task Row_level_security_that_hides_rows_is_an_error_with_its_remedy_and_no_part_is_read()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        await WriteAsync(db, Golden.Tables);
        var role = $"reader_{Guid.NewGuid():N}";
        await db.ExecuteAsync($"""
            alter table user_video_decisions enable row level security;
            create policy old on user_video_decisions for select using (created_at < '2010-01-01');
            create role {role} login password '{role}' nosuperuser;
            grant usage on schema public, two_tower to {role};
            grant select on all tables in schema public, two_tower to {role};
            """);
        try
        {
            var settings = new Npgsql.NpgsqlConnectionStringBuilder(db.ConnectionString) { Username = role, Password = role };
            await using var source = Postgres.Connections.DataSources.Create(settings.ConnectionString);
            var refusal = await Assert.ThrowsAsync<InputException>(() => TableReader.ReadAsync(source, default));
            Assert.Contains("Row-level security hides rows of public.user_video_decisions", refusal.Message, StringComparison.Ordinal);
            Assert.Contains($"alter role \"{role}\" bypassrls", refusal.Message, StringComparison.Ordinal);
            var folder = Path.Combine(Directory.CreateTempSubdirectory("twotower-rls-").FullName, "out");
            Assert.Contains("Row-level security", (await Assert.ThrowsAsync<InputException>(() => TableExport.WriteAsync(source, folder, null, default))).Message, StringComparison.Ordinal);
            Assert.False(Directory.Exists(folder));
        }
        finally
        {
            await db.ExecuteAsync($"drop owned by {role}; drop role {role}");
        }
    }

    [Fact]
    public async Task A_statement_timeout_of_the_database_does_not_end_writing()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        await db.ExecuteAsync($"""
            {TimeoutOfASecond}
            create function slowly() returns trigger language plpgsql as $$ begin perform pg_sleep(1.5); return null; end $$;
            create trigger slowly after insert on profiles for each statement execute function slowly();
            """);
        await using var source = Postgres.Connections.DataSources.Create(db.ConnectionString + ";Pooling=false");
        await new TableWriter(source).WriteAsync(new([new(User, "ann", null)], [], []), null, default);
    }

    [Fact]
    public async Task A_statement_timeout_of_the_database_does_not_end_reading_and_counting()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        await WriteAsync(db, Decisions((DecisionType.Like, Time)));
        await db.ExecuteAsync($"""
            {TimeoutOfASecond}
            alter table user_video_decisions rename to slow_decisions;
            create view user_video_decisions as with s as materialized (select pg_sleep(1.5)) select d.* from slow_decisions d, s;
            """);
        await using var source = Postgres.Connections.DataSources.Create(db.ConnectionString + ";Pooling=false");
        Assert.Single((await TableReader.ReadAsync(source, default)).Decisions);
        Assert.Single(await PayloadReader.ReadUsersAsync(source, null, DateTimeOffset.UtcNow, default).ToListAsync());
        Assert.Empty(await HeldOutQueries.ReadAsync(source, 1, 100)); // one like is no question
        Assert.True(await new VideoStatistics(source).RefreshAsync() > 0);
    }

    [Fact]
    public async Task Row_level_security_on_decisions_stops_the_gate_and_not_who_reads_videos_alone()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        await WriteAsync(db, Golden.Tables);
        var role = $"reader_{Guid.NewGuid():N}";
        await db.ExecuteAsync($"""
            alter table user_video_decisions enable row level security; alter table profiles enable row level security;
            create role {role} login password '{role}' nosuperuser;
            grant usage on schema public, two_tower to {role}; grant select on all tables in schema public, two_tower to {role};
            """);
        try
        {
            var settings = new Npgsql.NpgsqlConnectionStringBuilder(db.ConnectionString) { Username = role, Password = role };
            await using var source = Postgres.Connections.DataSources.Create(settings.ConnectionString);
            const string Hidden = "Row-level security hides rows of public.profiles, public.user_video_decisions";
            Func<Task>[] reads =
            [
                () => HeldOutQueries.ReadAsync(source, 1, 100),
                async () => await PayloadReader.ReadUsersAsync(source, null, DateTimeOffset.UtcNow, default).ToListAsync(),
            ];
            foreach (var read in reads)
            {
                Assert.Contains(Hidden, (await Assert.ThrowsAsync<InputException>(read)).Message, StringComparison.Ordinal);
            }

            Assert.Equal(Golden.Tables.Videos.Count, (await PayloadReader.ReadItemsAsync(source, null, default).ToListAsync()).Count);
        }
        finally
        {
            await db.ExecuteAsync($"drop owned by {role}; drop role {role}");
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("create unique index latest on user_video_decisions (user_id, video_id)")]
    public async Task Decisions_of_a_file_that_repeat_another_one_are_told(string key)
    {
        await using var db = await postgres.CreateDatabaseAsync();
        if (key.Length > 0) await db.ExecuteAsync(key);
        var tables = Decisions();
        DecisionEntry[] decisions = [new(User, Video, DecisionType.Like, Time), new(User, Video, DecisionType.Like, default, "2024-02-01 10:00:00.4+00"), new(User, Video, DecisionType.Like, Time)];
        var result = await new TableWriter(db.DataSource).WriteAsync(() => tables, decisions, _ => 3, null, default);
        Assert.Equal((1, 3), (result.Decisions, result.Given));
        Assert.Equal("2 of 3 decisions repeat another one and are left out", Assert.Single(result.Notes));
    }

    private const string TimeoutOfASecond =
        "do $$ begin execute format('alter database %I set statement_timeout = 1000', current_database()); end $$;";

    private static TableSet Decisions(params (DecisionType Type, DateTimeOffset At)[] decisions) =>
        new([new(User, "ann", Time)], [new() { Id = Video }], [.. decisions.Select(decision => new DecisionRow(User, Video, decision.Type, decision.At))]);

    private static Task<WriteResult> WriteAsync(TestDatabase db, TableSet tables) =>
        new TableWriter(db.DataSource).WriteAsync(tables, null, default);

    private async Task<TestDatabase> MigratedAsync(string tables)
    {
        var db = await postgres.CreateEmptyDatabaseAsync();
        await db.ExecuteAsync(tables);
        await TwoTower.Postgres.Schema.Migrator.MigrateAsync(db.DataSource, null, default);
        return db;
    }
}
