using Npgsql;
using TwoTower.Testing;

namespace TwoTower.Postgres.Tests.Serving;

/// <summary>The contract's search (section 9), over 12,000 videos that no test changes.</summary>
public sealed class RecommendVideosAnnTests(SearchWorldFixture world) : IClassFixture<SearchWorldFixture>
{
    private static readonly float[] Query = SearchWorld.Unit(new Random(99));
    private readonly TestDatabase _db = world.Database;

    [Fact]
    public async Task The_nearest_come_first_and_are_those_of_an_exact_search()
    {
        var random = new Random(7);
        var hits = 0;
        for (var i = 0; i < 20; i++)
        {
            var query = SearchWorld.Unit(random);
            var found = await SearchWorld.RecommendAsync(_db, query, 50);
            Assert.Equal(50, found.Count);
            Assert.Equal(
                found.OrderByDescending(video => video.Similarity).Select(video => video.Video), found.Select(video => video.Video));
            Assert.All(found, video => Assert.Equal(1 - video.Similarity, video.Distance, 12));
            hits += found.Select(video => video.Video).Intersect(await SearchWorld.ExactAsync(_db, query, 50, "v.safety_level <= 1")).Count();
        }

        // An approximate index may miss a few; a wrong operator or order misses nearly all.
        Assert.InRange(hits, 950, 1000);
    }

    [Fact]
    public async Task Similarity_is_the_cosine_whatever_the_length_of_the_vector()
    {
        var found = await SearchWorld.RecommendAsync(_db, Query, 3);
        var longer = await SearchWorld.RecommendAsync(_db, [.. Query.Select(value => value * 7)], 3);
        Assert.Equal(found.Select(video => video.Video), longer.Select(video => video.Video));
        Assert.All(found.Zip(longer), pair => Assert.Equal(pair.First.Similarity, pair.Second.Similarity, 5));
        var exact = await _db.ScalarAsync<double>(
            $"select 1 - (embedding <=> '[{string.Join(",", Query)}]') from two_tower.video_embeddings_1 where video_id = '{SearchWorld.Id(found[0].Video)}'");
        Assert.Equal(exact, found[0].Similarity, 5);
    }

    [Fact]
    public async Task The_limit_is_50_unless_said_and_stays_within_1_and_500()
    {
        Assert.Equal(50L, await _db.ScalarAsync<long>($"select count(*) from recommend_videos_ann('[{string.Join(",", Query)}]')"));
        Assert.Single(await SearchWorld.RecommendAsync(_db, Query, 0));
        Assert.Equal(500, (await SearchWorld.RecommendAsync(_db, Query, 10_000)).Count);
    }

    [Theory]
    [InlineData("")]
    [InlineData("p_max_safety_level => 0")]
    [InlineData("p_allowed_regions => array['COMMON']")]
    [InlineData("p_allowed_regions => array['RARE']")]
    [InlineData("p_allowed_regions => array['NOWHERE', 'RARE'], p_max_safety_level => 2")]
    [InlineData("p_banned_tags => array['tag-3', 'tag-4', 'no such tag']")]
    [InlineData("p_exclude_video_ids => array(select id from videos where title like '%1')")]
    [InlineData("p_banned_tags => array['tag-0'], p_allowed_regions => array['COMMON'], p_max_safety_level => 0, p_exclude_video_ids => array(select id from videos where title like '%1')")]
    public async Task Every_filter_is_inside_the_scan_so_the_list_is_as_long_as_asked_for(string arguments)
    {
        var found = await SearchWorld.RecommendAsync(_db, Query, 100, arguments);

        Assert.Equal(100, found.Count);
        Assert.All(found, video => Assert.True(Allowed(video.Video, arguments), $"video {video.Video} is filtered by {arguments}"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("p_max_safety_level => 0, p_allowed_regions => array['COMMON'], p_banned_tags => array['tag-3'], p_exclude_video_ids => array(select id from videos limit 300)")]
    public async Task The_search_goes_by_the_index_of_the_releases_own_table(string arguments)
    {
        var plans = await SearchWorld.PlansAsync(
            _db, $"select * from public.recommend_videos_ann($1::real[]::vector, 50{(arguments.Length > 0 ? ", " + arguments : "")})", Query);

        Assert.Contains("Index Scan using video_embeddings_1_embedding_idx on video_embeddings_1", plans, StringComparison.Ordinal);
        Assert.Contains("Order By: (embedding <#>", plans, StringComparison.Ordinal);
        Assert.DoesNotContain("Seq Scan on video_embeddings_1", plans, StringComparison.Ordinal);
        Assert.DoesNotContain("Seq Scan on video_tags", plans, StringComparison.Ordinal);
        if (arguments.Length == 0) Assert.DoesNotContain("Seq Scan on videos", plans, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_callers_settings_are_as_before_after_a_search()
    {
        await using var connection = await _db.DataSource.OpenConnectionAsync();
        await using var command = new NpgsqlCommand(
            """
            begin;
            select '[1]'::vector; set local hnsw.ef_search = 77; set local hnsw.iterative_scan = off; set local jit = on;
            select count(*) from recommend_videos_ann(array_fill(0.25::real, array[16])::vector, 200);
            select current_setting('hnsw.ef_search') || ' ' || current_setting('hnsw.iterative_scan') || ' ' || current_setting('jit');
            """, connection);
        await using var reader = await command.ExecuteReaderAsync();
        await reader.NextResultAsync();
        await reader.NextResultAsync();
        await reader.ReadAsync();
        Assert.Equal("77 off on", reader.GetString(0));
    }

    [Fact]
    public async Task A_vector_of_another_dimension_or_of_no_length_is_refused_by_name()
    {
        var error = await Assert.ThrowsAsync<PostgresException>(() => SearchWorld.RecommendAsync(_db, [1, 0, 0], 10));
        Assert.Equal("p_embedding has 3 dimensions, release model-1 has 16", error.MessageText);
        error = await Assert.ThrowsAsync<PostgresException>(() => SearchWorld.RecommendAsync(_db, new float[16], 10));
        Assert.Contains("p_embedding has length 0", error.MessageText, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Banned_tag_ids_are_refused_where_tags_have_no_ids()
    {
        var error = await Assert.ThrowsAsync<PostgresException>(() =>
            SearchWorld.RecommendAsync(_db, Query, 10, "p_banned_tag_ids => array[gen_random_uuid()]"));
        Assert.Contains("name them in p_banned_tags", error.MessageText, StringComparison.Ordinal);
        Assert.Equal(10, (await SearchWorld.RecommendAsync(_db, Query, 10, "p_banned_tag_ids => '{}'")).Count);
    }

    private static bool Allowed(int n, string arguments)
    {
        var level = arguments.Contains("p_max_safety_level => 0", StringComparison.Ordinal) ? 0
            : arguments.Contains("p_max_safety_level => 2", StringComparison.Ordinal) ? 2 : 1;
        string? region = n % 100 == 0 ? "RARE" : n % 10 == 5 ? null : "COMMON";
        return n % 3 <= level && n % 50 != 7
            && (region is null || !arguments.Contains("p_allowed_regions", StringComparison.Ordinal) || arguments.Contains(region, StringComparison.Ordinal))
            && !(arguments.Contains("tag-3", StringComparison.Ordinal) && n % 20 is 3 or 4)
            && !(arguments.Contains("tag-0", StringComparison.Ordinal) && n % 20 == 0)
            && !(arguments.Contains("%1", StringComparison.Ordinal) && n % 10 == 1);
    }
}
