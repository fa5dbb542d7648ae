using TwoTower.Postgres.Schema;
using TwoTower.Postgres.Serving;
using TwoTower.Testing;

namespace TwoTower.Postgres.Tests.Serving;

/// <summary>Tags in a table of their own, of ids of any type: they are banned by name, and a search goes by their bits and keys.</summary>
public sealed class TagIdsTests(PostgresFixture postgres)
{
    private static readonly float[] Query = SearchWorld.Unit(new Random(99));

    [Theory]
    [InlineData("uuid")]
    [InlineData("integer")]
    [InlineData("bigint")]
    [InlineData("numeric")]
    [InlineData("text")]
    [InlineData("char(8)")]
    public async Task Banned_tags_are_looked_for_as_bits_and_by_the_name_that_they_have_now(string type)
    {
        await using var db = await SearchWorld.CreateAsync(postgres, tagIds: type);
        await IsExactAsync(db, "tag-3", "tag-4");
        await new VideoStatistics(db.DataSource).RefreshAsync();
        Assert.Empty(await db.ScalarAsync<Guid[]>("select two_tower.changed_tags()"));
        Assert.Equal(20L, await db.ScalarAsync<long>("select count(*) from two_tower.tag_bits"));
        await IsExactAsync(db, "tag-3", "tag-4");

        // Not by a question to the tables of tags for each video.
        var plans = await SearchWorld.PlansAsync(
            db, $"select * from public.recommend_videos_ann('[{string.Join(",", Query)}]', 20, p_banned_tags => array['tag-3'])");
        Assert.Contains("tag_bits", plans, StringComparison.Ordinal);

        await db.ExecuteAsync("update tags set name = 'new' where name = 'tag-3'; update tags set name = 'tag-3' where name = 'tag-5'");
        await IsExactAsync(db, "new");
        await IsExactAsync(db, "tag-3", "tag-4");

        // Two tags of one name are both banned.
        await db.ExecuteAsync("update tags set name = 'new' where name = 'tag-6'");
        await IsExactAsync(db, "new");
        var moved = SearchWorld.Id((await SearchWorld.RecommendAsync(db, Query, 1, "p_banned_tags => array['tag-7']"))[0].Video);
        await db.ExecuteAsync($"insert into video_tags select '{moved}', id from tags where name = 'tag-7' on conflict do nothing");
        await IsExactAsync(db, "tag-7");
    }

    [Theory]
    [InlineData("uuid")]
    [InlineData("integer")]
    [InlineData("text")]
    public async Task A_database_whose_keys_were_of_names_hides_banned_videos_before_and_after_they_are_read_anew(string type)
    {
        await using var db = await SearchWorld.CreateAsync(postgres, tagIds: type);
        await new VideoStatistics(db.DataSource).RefreshAsync();
        if (type != "uuid")
        {
            await db.ExecuteAsync("""
                update two_tower.video_statistics s
                set tag_keys = array(select hashtextextended(t.tag_name collate "C", 0) from two_tower.video_tag_names t where t.video_id = s.video_id), tag_bits = b'0'::bit(256)
                """);
        }

        await db.ExecuteAsync($"""
            drop view two_tower.video_tag_names;
            create view two_tower.video_tag_names with (security_invoker = true) as
                select t.video_id, {(type == "uuid" ? "t.tag_id" : "null::uuid")} as tag_id, n.name::text as tag_name
                from public.video_tags t join public.tags n on n.id = t.tag_id;
            delete from two_tower.migrations where version = 47;
            """);
        Assert.Equal(["0047_tag_keys_of_any_ids.sql"], (await Migrator.MigrateAsync(db.DataSource, null, default)).AppliedMigrations);
        await IsExactAsync(db, "tag-3", "tag-4");
        await new VideoStatistics(db.DataSource).RefreshAsync();
        await IsExactAsync(db, "tag-3", "tag-4");
    }

    private static async Task IsExactAsync(TestDatabase db, params string[] ban)
    {
        var names = string.Join("', '", ban);
        var expected = await SearchWorld.ExactAsync(
            db, Query, 100,
            $"v.safety_level <= 1 and not exists (select from video_tags l join tags t on t.id = l.tag_id where l.video_id = v.id and t.name in ('{names}'))");
        var found = (await SearchWorld.RecommendAsync(db, Query, 100, $"p_banned_tags => array['{names}']")).ConvertAll(video => video.Video);
        Assert.Equal(100, found.Count);
        Assert.InRange(expected.Intersect(found).Count(), 90, 100);
        Assert.Equal(0L, await db.ScalarAsync<long>(
            $"select count(*) from video_tags l join tags t on t.id = l.tag_id where t.name in ('{names}') and l.video_id in ({string.Join(", ", found.Select(n => $"'{SearchWorld.Id(n)}'"))})"));
    }
}
