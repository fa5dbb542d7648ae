using TwoTower.Testing;

namespace TwoTower.EndToEnd.Tests.Supabase;

/// <summary><c>twotower import supabase</c>: what the project has is what the database has then.</summary>
[Collection(nameof(SupabaseProjects))]
public sealed class ImportSupabaseTests(PostgresFixture postgres, SupabaseServer server)
{
    private static readonly string[] Tables = ["profiles", "videos", "video_tags", "video_performers", "user_video_decisions"];

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_project_is_imported_with_either_kind_of_key_and_again_with_what_is_new(bool isLegacy)
    {
        await using var at = await ProjectFixture.CreateAsync(postgres, server);
        var key = isLegacy ? SupabaseStandIn.LegacyKey("service_role") : SupabaseStandIn.SecretKey;
        var file = at.Workplace.PathOf("key");
        await File.WriteAllTextAsync(file, key + "\n");
        at.Workplace.Environment["SUPABASE_SECRET_KEY"] = null;
        await TestReleases.LoadGoldenAsync(at.Project);
        await at.Project.ExecuteAsync("""
            update videos set title = E'a "b"\n{c},\\ ☃', image_urls = '{"x": [1.50, "é"]}', region_codes = '{JP,"U S"}'
            where id = (select min(id::text)::uuid from videos)
            """);

        // A server that gives fewer rows than are asked for: the next page begins where this one ended.
        at.StandIn.MaxRows = 37;
        var first = await at.Workplace.RunAsync("import", "supabase", "--key-file", file, "--page", "50", "--verbose");
        await SameAsync(at);
        Assert.Contains("80 users, 140 videos, 1,644 decisions", first.Out, StringComparison.Ordinal);
        Assert.DoesNotContain(key, first.Out + first.Err, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(at.Workplace.PathOf("supabase")));
        Assert.All(at.StandIn.Requests, request => Assert.Equal(isLegacy, request.Headers.ContainsKey("authorization")));
        Assert.All(at.StandIn.Requests, request => Assert.DoesNotContain(key, request.Path, StringComparison.Ordinal));

        var before = at.StandIn.Requests.Count;
        await at.Project.ExecuteAsync("""
            insert into user_video_decisions (user_id, video_id, decision_type, created_at)
              select user_id, (select id from videos limit 1), 'like', now() - i * interval '1 minute' from (select user_id from profiles limit 3) p, generate_series(1, 2) i;
            update videos set price = 12.34 where id = (select max(id::text)::uuid from videos);
            """);
        var second = await at.Workplace.JsonAsync("import", "supabase", "--key-file", file);
        await SameAsync(at);
        Assert.InRange(second.GetProperty("counts").GetProperty("decisions").GetInt32(), 6, 300);
        Assert.NotEqual(System.Text.Json.JsonValueKind.Null, second.GetProperty("since").ValueKind);
        Assert.Contains(at.StandIn.Requests.Skip(before), request => request.Path.Contains("created_at=gte.", StringComparison.Ordinal));
        Assert.Equal(1650, (await at.Workplace.JsonAsync("import", "supabase", "--key-file", file, "--full")).GetProperty("counts").GetProperty("decisions").GetInt32());
    }

    [Fact]
    public async Task Tags_in_tables_of_their_own_are_read_too_and_other_columns_are_told()
    {
        await using var at = await ProjectFixture.CreateAsync(postgres, server, """
            create table profiles (user_id uuid primary key, display_name text, created_at timestamptz, avatar text);
            create table videos (id uuid primary key, title text, price numeric, created_at timestamptz default now(), safety_level smallint default 0, search tsvector);
            create table tags (id uuid primary key default gen_random_uuid(), name text);
            create table video_tags (video_id uuid references videos, tag_id uuid references tags, primary key (video_id, tag_id));
            create type decision as enum ('like', 'nope');
            create table user_video_decisions (user_id uuid, video_id uuid, decision_type decision, created_at timestamptz, primary key (user_id, video_id, decision_type, created_at));
            grant all on all tables in schema public to service_role;
            insert into profiles select md5('u' || i)::uuid, 'User ' || i, '2025-01-01' from generate_series(1, 5) i;
            insert into videos (id, title, price) select md5('v' || i)::uuid, 'Video ' || i, i * 0.1 from generate_series(1, 7) i;
            insert into tags (name) values ('drama'), ('コメディ');
            insert into video_tags select v.id, t.id from videos v, tags t;
            insert into user_video_decisions select u.user_id, v.id, 'like', '2025-02-01' from profiles u, videos v;
            insert into user_video_decisions select u.user_id, v.id, 'nope', '2025-02-01' from profiles u, videos v;
            """);
        at.StandIn.MaxRows = 3;
        var run = await at.Workplace.RunAsync("import", "supabase");
        Assert.Contains("videos: nothing reads the column search", run.Out, StringComparison.Ordinal);
        Assert.Contains("no table video_performers", run.Out, StringComparison.Ordinal);
        Assert.Equal(14, await at.Workplace.Database.ScalarAsync<long>("select count(*) from video_tags where tag_name in ('drama', 'コメディ')"));
        Assert.Equal(70, await at.Workplace.Database.ScalarAsync<long>("select count(*) from user_video_decisions"));
        Assert.Equal(0.7m, await at.Workplace.Database.ScalarAsync<decimal>("select max(price) from videos"));
    }

    /// <summary>Killed at each of its requests in turn, it goes on with the one that it was at.</summary>
    [Theory]
    [InlineData(4)]
    [InlineData(9)]
    [InlineData(30)]
    public async Task An_import_that_is_killed_goes_on_where_it_was(int request)
    {
        await using var at = await ProjectFixture.CreateAsync(postgres, server);
        await TestReleases.LoadGoldenAsync(at.Project);
        await at.KilledAtAsync((_, count) => count == request, "import", "supabase", "--page", "40");
        Assert.Equal(0, await at.Workplace.Database.ScalarAsync<long>("select (select count(*) from profiles) + (select count(*) from videos)"));
        var before = at.StandIn.Requests.Count;

        var resumed = await at.Workplace.RunAsync("import", "supabase", "--page", "40");

        await SameAsync(at);
        if (request > 4) Assert.Contains("going on with the import", resumed.Out, StringComparison.Ordinal);
        // 80, 140 and 1644 rows by 40, an empty page behind each, and what the tables are like.
        Assert.InRange(at.StandIn.Requests.Count - before, 1, 60 - request + 8);
    }

    [Fact]
    public async Task A_failure_of_the_project_ends_the_import_and_the_next_goes_on()
    {
        await using var at = await ProjectFixture.CreateAsync(postgres, server);
        await TestReleases.LoadGoldenAsync(at.Project);
        var count = 0;
        at.StandIn.Intercept = request => Task.FromResult<StandInFault?>(
            request.Path.Contains("user_video_decisions", StringComparison.Ordinal) && Interlocked.Increment(ref count) > 5 ? new(400, """{"code":"XX000","message":"broken"}""", Type: "application/json") : null);
        var failed = await at.Workplace.TryAsync("import", "supabase", "--page", "100");
        Assert.Equal(2, failed.ExitCode);
        Assert.Contains("broken", Assert.Single(failed.ErrorLines), StringComparison.Ordinal);
        at.StandIn.Intercept = null;
        await at.Workplace.RunAsync("import", "supabase", "--page", "100");
        await SameAsync(at);
    }

    [Fact]
    public async Task A_bad_value_is_refused_whole_and_read_again_when_it_is_mended()
    {
        await using var at = await ProjectFixture.CreateAsync(postgres, server);
        await TestReleases.LoadGoldenAsync(at.Project);
        await at.Project.ExecuteAsync("""
            alter table user_video_decisions drop constraint user_video_decisions_decision_type_check;
            insert into user_video_decisions (user_id, video_id, decision_type, created_at) select user_id, video_id, 'love', now() from user_video_decisions limit 1
            """);
        var refused = await at.Workplace.TryAsync("import", "supabase");
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains("has 'love' where like or nope was expected", Assert.Single(refused.ErrorLines), StringComparison.Ordinal);
        Assert.Equal(0, await at.Workplace.Database.ScalarAsync<long>("select count(*) from videos"));
        await at.Project.ExecuteAsync("delete from user_video_decisions where decision_type = 'love'");
        await at.Workplace.RunAsync("import", "supabase");
        await SameAsync(at);
    }

    [Theory]
    [InlineData("SUPABASE_SECRET_KEY", "", "SUPABASE_SECRET_KEY")]
    [InlineData("SUPABASE_SECRET_KEY", "sb_publishable_x", "publishable")]
    [InlineData("SUPABASE_URL", "", "SUPABASE_URL")]
    [InlineData("SUPABASE_URL", "http://127.0.0.1:9", "doesn't answer")]
    public async Task What_is_missing_or_wrong_is_one_line_that_names_it(string variable, string value, string named)
    {
        await using var at = await ProjectFixture.CreateAsync(postgres, server);
        at.Workplace.Environment[variable] = value;
        var result = await at.Workplace.TryAsync("import", "supabase");
        Assert.Equal(2, result.ExitCode);
        Assert.Contains(named, Assert.Single(result.ErrorLines), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_empty_project_empties_nothing()
    {
        await using var at = await ProjectFixture.CreateAsync(postgres, server);
        await at.Workplace.ImportGoldenAsync();
        var before = await ProjectFixture.ContentAsync(at.Workplace.Database, "videos");
        await at.Workplace.RunAsync("import", "supabase");
        Assert.Equal(before, await ProjectFixture.ContentAsync(at.Workplace.Database, "videos"));
    }

    private static async Task SameAsync(ProjectFixture at)
    {
        foreach (var table in Tables)
        {
            Assert.Equal((table, await ProjectFixture.ContentAsync(at.Project, table)),
                (table, await ProjectFixture.ContentAsync(at.Workplace.Database, table)));
        }
    }
}
