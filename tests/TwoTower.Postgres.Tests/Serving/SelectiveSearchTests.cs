using Npgsql;
using TwoTower.Postgres.Releases;
using TwoTower.Testing;

namespace TwoTower.Postgres.Tests.Serving;

/// <summary>The search where the filters leave little, and where releases come and go.</summary>
public sealed class SelectiveSearchTests(PostgresFixture postgres) : IAsyncLifetime
{
    private static readonly float[] Query = SearchWorld.Unit(new Random(99));
    private TestDatabase _db = null!;

    public async ValueTask InitializeAsync() => _db = await SearchWorld.CreateAsync(postgres);

    public async ValueTask DisposeAsync() => await _db.DisposeAsync();

    [Fact]
    public async Task A_filter_that_leaves_one_in_a_hundred_returns_all_that_are_asked_for_and_all_that_there_are()
    {
        // Regions of their own: one video in a hundred, and no others.
        await _db.ExecuteAsync("update videos set region_codes = '{COMMON}' where region_codes = '{}'; analyze videos");
        var all = await _db.ListAsync<Guid>("select id from videos where region_codes = '{RARE}' and is_active and safety_level <= 1");
        Assert.InRange(all.Count, 70, 120);

        var found = await SearchWorld.RecommendAsync(_db, Query, 60, "p_allowed_regions => array['RARE']");
        Assert.Equal(60, found.Count);
        Assert.Equal(await SearchWorld.ExactAsync(_db, Query, 60, "v.safety_level <= 1 and v.region_codes = '{RARE}'"), found.Select(video => video.Video));
        found = await SearchWorld.RecommendAsync(_db, Query, 500, "p_allowed_regions => array['RARE']");
        Assert.Equal(all.Select(SearchWorld.Number).Order(), found.Select(video => video.Video).Order());
        Assert.Empty(await SearchWorld.RecommendAsync(_db, Query, 10, "p_allowed_regions => array['NOWHERE']"));
    }

    [Fact]
    public async Task A_scan_that_gives_up_early_is_finished_by_an_exact_one()
    {
        // The planner doesn't know that the tags go with the videos nearest to nothing: only the scan finds out.
        await _db.ExecuteAsync("""
            insert into video_tags select id, 'everywhere' from videos where right(id::text, 3) <> '00a' on conflict do nothing;
            """);
        var found = await SearchWorld.RecommendAsync(_db, Query, 100, "p_banned_tags => array['everywhere']");
        var left = await _db.ListAsync<Guid>("select id from videos where right(id::text, 3) = '00a' and is_active and safety_level <= 1");
        Assert.Equal(left.Select(SearchWorld.Number).Order(), found.Select(video => video.Video).Order());
    }

    [Fact]
    public async Task A_pinned_release_is_searched_and_refused_with_the_active_ones_name_when_it_is_gone()
    {
        await _db.ExecuteAsync("insert into two_tower.releases (model_version, embedding_dim, vector_type) values ('model-2', 8, 'halfvec')");
        await SearchWorld.AddVectorsAsync(_db, "model-2", seed: 2);
        var query = SearchWorld.Unit(new Random(5), 8);

        Assert.Equal(100, (await SearchWorld.RecommendAsync(_db, query, 100, "p_model_version => 'model-2'")).Count);
        await new ReleaseStore(_db.DataSource).ActivateAsync("model-2", "test", null);
        Assert.Equal(100, (await SearchWorld.RecommendAsync(_db, query, 100)).Count);
        Assert.Equal(100, (await SearchWorld.RecommendAsync(_db, Query, 100, "p_model_version => 'model-1'")).Count);

        await _db.ExecuteAsync("drop table two_tower.video_embeddings_1; update two_tower.releases set state = 'retired' where model_version = 'model-1'");
        var error = await Assert.ThrowsAsync<PostgresException>(() => SearchWorld.RecommendAsync(_db, Query, 10, "p_model_version => 'model-1'"));
        Assert.Equal("TT201", error.SqlState);
        Assert.Contains("release model-1 cannot be searched", error.MessageText, StringComparison.Ordinal);
        Assert.Contains("active is model-2", error.MessageText, StringComparison.Ordinal);
    }
}
