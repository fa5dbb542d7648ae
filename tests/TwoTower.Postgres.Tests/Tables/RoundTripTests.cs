using TwoTower.Datasets.Import;
using TwoTower.Postgres.Tables;
using TwoTower.Testing;

namespace TwoTower.Postgres.Tests.Tables;

/// <summary>What is exported and imported elsewhere is the same, whatever the tables hold.</summary>
public class RoundTripTests(PostgresFixture postgres)
{
    private const string Loose =
        "alter table videos alter safety_level drop not null, alter region_codes drop not null, alter is_active drop not null";

    // Every value that is odd in some way, a column each; md5 tells long texts apart.
    private const string State =
        """
        select t from (
          select 'p' || to_jsonb(p)::text as t from profiles p
          union all select 'v' || (to_jsonb(v) - 'description' || jsonb_build_object('d', md5(v.description), 'price', v.price::text))::text from videos v
          union all select 't' || to_jsonb(g)::text from video_tags g
          union all select 'n' || to_jsonb(g)::text from video_performers g
          union all select 'd' || to_jsonb(d)::text from user_video_decisions d) s
        order by t collate "C"
        """;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Generated_tables_of_odd_values_are_the_same_elsewhere(int seed)
    {
        await using var from = await postgres.CreateDatabaseAsync();
        await using var to = await postgres.CreateDatabaseAsync();
        await from.ExecuteAsync(Loose);
        await to.ExecuteAsync(Loose);
        var random = new Random(seed);
        string Time() => Pick("null", "'infinity'", "'-infinity'", "'0044-03-15 00:00:00 BC'", "'20000-01-01'", "'0001-01-01 00:00:00+00'", "'2024-02-29 23:59:59.999999+00'");
        string Text() => Pick("null", "''", "' '", "'NULL'", "E'a\\nb'", "'a \"quoted\", one'", "'\\N'", "'{}'", "'🎬 名前'", "E'\\\\.'", "E'\\t tab '");
        string Price() => Pick("null", "'NaN'", "'Infinity'", "'-Infinity'", "1e40", "0.1234567890123456789012345678901234567890", "980.50", "0", "-1", "1e-30");
        string Array() => Pick("null", "'{}'", "'{JP,NULL}'", "'{{a,b},{c,NULL}}'", "'[0:1]={JP,US}'", "'{\"\",\"NULL\",\"a,b\",\"q\\\"\"}'");
        string Pick(params string[] values) => values[random.Next(values.Length)];
        for (var i = 0; i < 40; i++)
        {
            await from.ExecuteAsync($"""
                insert into profiles values (gen_random_uuid(), {Text()}, {Time()});
                insert into videos (id, title, description, duration_seconds, director, price, product_released_at, distribution_started_at, created_at, published_at,
                  safety_level, region_codes, is_active, image_urls)
                values (gen_random_uuid(), {Text()}, {Text()}, {Pick("null", "0", "-1", "2147483647")}, {Text()}, {Price()}, {Time()}, {Time()}, {Time()}, {Time()},
                  {Pick("null", "0", "3", "-1")}, {Array()}, {Pick("null", "true", "false")}, {Pick("null", "'[]'", "'null'", "'{\"a\": [1, \"x\"]}'", "'\"\"'")});
                """);
        }

        await from.ExecuteAsync("""
            update videos set description = repeat('x,"', 350000) where id = (select id from videos order by id limit 1);
            insert into video_tags select v.id, t from videos v, unnest(array['', ' ', 'NULL', 'a,b', 'x"y']) t where random() < 0.5;
            insert into video_performers select v.id, t from videos v, unnest(array['', 'Ada', E'two\nlines']) t where random() < 0.5;
            insert into user_video_decisions
            select p.user_id, v.id, case when random() < 0.5 then 'like' else 'nope' end, t::timestamptz
            from profiles p, videos v, unnest(array['infinity', '-infinity', '0044-03-15 BC', '2024-01-01']) t where random() < 0.05;
            insert into user_video_decisions select gen_random_uuid(), id, 'like', '2024-01-01' from videos limit 3;
            """);

        var folder = Path.Combine(Directory.CreateTempSubdirectory("twotower-round-").FullName, "tables");
        await TableExport.WriteAsync(from.DataSource, folder, null, default);
        await new TableWriter(to.DataSource).WriteAsync(CsvTableReader.Read(folder), null, default);
        var (expected, actual) = (await from.ListAsync<string>(State), await to.ListAsync<string>(State));
        Assert.Equal(expected, actual);

        // And again, which changes nothing.
        Assert.Equal(0, (await new TableWriter(to.DataSource).WriteAsync(CsvTableReader.Read(folder), null, default)).Decisions);
        Assert.Equal(expected, await to.ListAsync<string>(State));
        Directory.Delete(Path.GetDirectoryName(folder)!, recursive: true);
    }

    [Fact]
    public async Task Tables_without_keys_are_the_same_elsewhere_but_for_what_is_told()
    {
        await using var from = await postgres.CreateEmptyDatabaseAsync();
        await using var to = await postgres.CreateDatabaseAsync();
        await from.ExecuteAsync(
            """
            create table profiles (user_id uuid, display_name text, created_at timestamptz);
            create table videos (id uuid unique, title text);
            create table video_tags (video_id uuid, tag_name text); create table video_performers (video_id uuid, performer_name text);
            create table user_video_decisions (user_id uuid, video_id uuid, decision_type text, created_at timestamptz);
            """);
        await Postgres.Schema.Migrator.MigrateAsync(from.DataSource, null, default);
        await from.ExecuteAsync(
            """
            insert into profiles values (null, 'nobody', null), ('00000000-0000-0000-0000-0000000000a1', 'ann', 'infinity');
            insert into videos (id, title) values (null, 'nothing'), ('00000000-0000-0000-0000-0000000000f1', 'Heat'), ('00000000-0000-0000-0000-0000000000f2', null);
            insert into video_tags values ('00000000-0000-0000-0000-0000000000f1', 'crime'), ('00000000-0000-0000-0000-0000000000f1', 'crime'),
              ('00000000-0000-0000-0000-0000000000f1', ''), ('00000000-0000-0000-0000-0000000000f1', null), (null, 'crime'), ('00000000-0000-0000-0000-0000000000f9', 'crime');
            insert into video_performers values ('00000000-0000-0000-0000-0000000000f2', 'Ada'), ('00000000-0000-0000-0000-0000000000f2', 'Ada'), (null, null);
            insert into user_video_decisions select u::uuid, v::uuid, t, '2024-01-01'::timestamptz
            from (values ('00000000-0000-0000-0000-0000000000a1'), (null)) u (u), (values ('00000000-0000-0000-0000-0000000000f1'), (null)) v (v),
              (values ('like'), ('like'), ('nope'), ('view'), (null)) t (t);
            """);
        using var folder = new TemporaryFolder();
        var (path, told) = (Path.Combine(folder.Path, "tables"), new List<string>());
        await TableExport.WriteAsync(from.DataSource, path, null, default, told.Add);
        Assert.Equal(
            [
                "public.profiles: 1 row isn't exported, because user_id is NULL",
                "public.videos: 1 row isn't exported, because id is NULL",
                "public.video_tags: 3 rows aren't exported, because the name is NULL, or the video isn't there",
                "public.video_performers: 1 row isn't exported, because the name is NULL, or the video isn't there",
                "public.user_video_decisions: 17 rows aren't exported, because decision_type is neither like nor nope, or something is NULL",
            ],
            told);
        for (var time = 0; time < 2; time++) await new TableWriter(to.DataSource).WriteAsync(CsvTableReader.Read(path), null, default);
        Assert.Equal(["ann infinity"], await to.ListAsync<string>("select display_name || ' ' || created_at from profiles"));
        Assert.Equal(["Heat", "NULL"], await to.ListAsync<string>("select coalesce(title, 'NULL') from videos order by id"));
        Assert.Equal(["f1 ", "f1 crime"], await to.ListAsync<string>("select right(video_id::text, 2) || ' ' || tag_name from video_tags order by 1"));
        Assert.Equal(["f2 Ada"], await to.ListAsync<string>("select right(video_id::text, 2) || ' ' || performer_name from video_performers"));
        Assert.Equal(["like", "nope"], await to.ListAsync<string>("select decision_type from user_video_decisions order by 1"));
    }
}
