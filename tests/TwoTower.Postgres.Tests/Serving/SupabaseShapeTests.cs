using Microsoft.Extensions.Options;
using TwoTower.Core.Rows;
using TwoTower.Postgres.Releases;
using TwoTower.Postgres.Schema;
using TwoTower.Postgres.Serving;
using TwoTower.Testing;

namespace TwoTower.Postgres.Tests.Serving;

/// <summary>
/// A database as Supabase has it: the extension in a schema of its own that no search path names, normalised tags and performers,
/// other number types, decisions as an enum.
/// </summary>
public sealed class SupabaseShapeTests(PostgresFixture postgres) : IAsyncLifetime
{
    private static readonly float[] Query = [1, 0, 0, 0];
    private TestDatabase _db = null!;

    public async ValueTask InitializeAsync()
    {
        _db = await postgres.CreateEmptyDatabaseAsync();
        await _db.ExecuteAsync("""
            create schema extensions;
            create extension vector schema extensions;
            create type decision as enum ('like', 'nope');
            create table videos (id uuid primary key default gen_random_uuid(), title varchar(100), price double precision, duration_seconds bigint,
              product_released_at timestamptz, safety_level int not null default 0, region_codes varchar[] not null default '{}', is_active boolean not null default true);
            create table tags (id uuid primary key, name varchar not null);
            create table performers (id uuid primary key, name text not null);
            create table video_tags (video_id uuid references videos, tag_id uuid references tags, primary key (video_id, tag_id));
            create table video_performers (video_id uuid references videos, performer_id uuid references performers, primary key (video_id, performer_id));
            create table user_video_decisions (user_id uuid, video_id uuid, decision_type decision not null, created_at timestamptz not null default now(),
              unique (user_id, video_id));
            """);
        await Migrator.MigrateAsync(_db.DataSource, null, default);
        await _db.ExecuteAsync("""
            insert into videos (id, title, price, duration_seconds, product_released_at, region_codes)
              select lpad(n::text, 32, '0')::uuid, 'Video ' || n, n * 100, n, now() - n * interval '1 day', case n % 2 when 0 then '{JP}'::varchar[] else '{US}' end
              from generate_series(1, 60) n;
            insert into tags values ('00000000-0000-0000-0000-0000000000aa', 'even'), ('00000000-0000-0000-0000-0000000000bb', 'odd');
            insert into performers values ('00000000-0000-0000-0000-0000000000cc', 'Ada');
            insert into video_tags select id, case right(id::text, 1)::int % 2 when 0 then '00000000-0000-0000-0000-0000000000aa'::uuid else '00000000-0000-0000-0000-0000000000bb' end from videos;
            insert into video_performers select id, '00000000-0000-0000-0000-0000000000cc' from videos limit 10;
            """);
    }

    public async ValueTask DisposeAsync() => await _db.DisposeAsync();

    [Fact]
    public async Task The_search_bans_tags_by_id_and_by_name_and_finds_the_extension_wherever_it_is()
    {
        await _db.ExecuteAsync("""
            insert into two_tower.releases (model_version, embedding_dim) values ('m', 4);
            select two_tower.transition_release('m', 'embedding', 'test', null);
            create table two_tower.video_embeddings_1 (video_id uuid primary key, embedding extensions.vector(4) not null, feature_hash bigint, updated_at timestamptz);
            insert into two_tower.video_embeddings_1 (video_id, embedding)
              select id, extensions.l2_normalize(('[1,' || right(id::text, 2)::int || ',0,0]')::extensions.vector) from videos;
            create index on two_tower.video_embeddings_1 using hnsw (embedding extensions.vector_ip_ops);
            select two_tower.record_gate_run('m', true, 'test');
            select two_tower.transition_release('m', 'ready', 'test', null);
            select two_tower.activate_release('m', 'test', null);
            """);
        Assert.Equal([1, 2, 3], await SearchAsync(""));
        Assert.Equal([1, 3, 5], await SearchAsync(", p_banned_tag_ids => array['00000000-0000-0000-0000-0000000000aa']::uuid[]"));
        Assert.Equal([2, 4, 6], await SearchAsync(", p_banned_tags => array['odd']"));
        Assert.Equal([2, 4, 6], await SearchAsync(", p_allowed_regions => array['JP']"));
    }

    [Fact]
    public async Task The_whole_request_path_works_there()
    {
        var release = await TestReleases.ReadyAsync(_db, TestCheckpoints.Random());
        var store = new ReleaseStore(_db.DataSource);
        await store.ActivateAsync(release.ModelVersion, "test", null);
        using var towers = new TowerCache(store, 2);
        var service = new RecommendationService(_db.DataSource, towers, Options.Create(new RecommendationOptions()));
        var decisions = new DecisionStore(_db.DataSource);
        var user = Guid.NewGuid();
        var video = await _db.ScalarAsync<Guid>("select id from videos order by id limit 1");
        var request = new RecommendationRequest(user, 10, IncludeSeen: false, new VideoFilter { BannedTags = ["even"], Regions = ["US"] });

        await new VideoStatistics(_db.DataSource).RefreshAsync();
        var popular = await service.RecommendAsync(request);
        Assert.Equal(Strategy.PopularAndFresh, popular.Strategy);
        Assert.Equal(10, popular.Videos.Count);

        Assert.Equal(DecisionOutcome.Recorded, (await decisions.RecordAsync(user, video, DecisionType.Like, null)).Outcome);
        Assert.Equal(DecisionOutcome.Conflict, (await decisions.RecordAsync(user, video, DecisionType.Nope, null)).Outcome);
        var answer = await service.RecommendAsync(request);
        Assert.Equal((Strategy.TwoTower, release.ModelVersion), (answer.Strategy, answer.ModelVersion));
        Assert.Equal(10, answer.Videos.Count);
        Assert.All(answer.Videos, found => Assert.Equal(["odd"], found.Video.Tags));
        Assert.All(answer.Videos, found => Assert.Contains(new Reason(ReasonKind.Tag, "odd", 1), found.Reasons));
        Assert.DoesNotContain(video, answer.Videos.Select(found => found.Video.Id));
        Assert.NotEmpty((await service.SimilarAsync(video, 5, new VideoFilter())).Videos);
    }

    private async Task<IEnumerable<int>> SearchAsync(string arguments) =>
        (await _db.ListAsync<Guid>($"select video_id from public.recommend_videos_ann('[{string.Join(",", Query)}]'::extensions.vector, 3{arguments})"))
        .Select(id => int.Parse(id.ToString("N")[28..], System.Globalization.CultureInfo.InvariantCulture));
}
