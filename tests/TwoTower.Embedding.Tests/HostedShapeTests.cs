using TwoTower.Core.Artifacts;
using TwoTower.Embedding.Settings;
using TwoTower.Postgres.Releases;
using TwoTower.Postgres.Schema;
using TwoTower.Testing;

namespace TwoTower.Embedding.Tests;

/// <summary>As on Supabase: pgvector's types are in a schema that isn't on the search path.</summary>
public sealed class HostedShapeTests(PostgresFixture postgres) : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private TestDatabase _db = null!;

    public async ValueTask InitializeAsync()
    {
        _db = await postgres.CreateEmptyDatabaseAsync();
        await _db.ExecuteAsync("create schema extensions; create extension vector schema extensions");
        await Migrator.MigrateAsync(_db.DataSource, null, default);
        await _db.ExecuteAsync("drop index if exists public.video_embeddings_embedding_idx; alter table public.video_embeddings alter column embedding type extensions.vector(16)");
        await _db.ExecuteAsync("create index theirs on public.video_embeddings using hnsw (embedding extensions.vector_cosine_ops)");
        await TestVideos.InsertAsync(_db, 1, 100);
    }

    public async ValueTask DisposeAsync()
    {
        await _db.DisposeAsync();
        _folder.Dispose();
    }

    [Theory]
    [InlineData(VectorType.Vector)]
    [InlineData(VectorType.HalfVec)]
    public async Task Releases_are_embedded_activated_synchronised_exported_and_imported_all_the_same(VectorType type)
    {
        var store = new ReleaseStore(_db.DataSource);
        var options = new EmbedOptions { Activate = true, VectorType = type };
        foreach (var seed in new[] { 1, 2 })
        {
            await store.RegisterAsync(ReleaseFiles.Build(TestCheckpoints.Random(seed: seed), Golden.AsOf.AddMinutes(seed)), new());
            var result = await new EmbedJob(_db.DataSource, TimeProvider.System).RunAsync(null, options);
            Assert.Equal((100L, true), (result.Videos, result.Activated));
            Assert.Empty(result.Warnings);
            Assert.True(await _db.ScalarAsync<bool>("select two_tower_active_release() ->> 'model_version' = two_tower_active_release() ->> 'public_table_model_version'"));
            Assert.Equal(100L, await _db.ScalarAsync<long>(
                $"select count(*) from public.video_embeddings p join two_tower.video_embeddings_{seed} e using (video_id) where "
                    + $"extensions.vector_norm(p.embedding) between .998 and 1.002 and p.embedding::text::extensions.vector operator(extensions.<=>) e.embedding::extensions.vector < 1e-6"));
        }

        var bundle = Path.Combine(_folder.Path, "bundle");
        var manifest = await ReleaseExport.WriteAsync(_db.DataSource, null, bundle, TimeProvider.System);
        await using var elsewhere = await postgres.CreateDatabaseAsync();
        await TestVideos.InsertAsync(elsewhere, 1, 100);
        var imported = await new ImportBundleJob(elsewhere.DataSource, TimeProvider.System).RunAsync(bundle, options);
        Assert.Equal((manifest.ModelVersion, 100L, true), (imported.ModelVersion, imported.Videos, imported.Activated));
        Assert.Equal(
            await _db.ScalarAsync<string>("select md5(string_agg(embedding::text, ',' order by video_id)) from two_tower.video_embeddings_2"),
            await elsewhere.ScalarAsync<string>("select md5(string_agg(embedding::text, ',' order by video_id)) from two_tower.video_embeddings_1"));
    }
}
