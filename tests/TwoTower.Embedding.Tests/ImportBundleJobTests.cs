using System.Text.Json.Nodes;
using TwoTower.Core;
using TwoTower.Core.Artifacts;
using TwoTower.Core.Bundles;
using TwoTower.Core.Inference;
using TwoTower.Embedding.Settings;
using TwoTower.Postgres.Releases;
using TwoTower.Testing;

namespace TwoTower.Embedding.Tests;

public sealed class ImportBundleJobTests(PostgresFixture postgres) : IAsyncLifetime
{
    private static readonly string ForeignParquet = Path.Combine(AppContext.BaseDirectory, "foreign", "double_item_zstd.parquet");
    private static readonly EmbedOptions Options = new() { Activate = true };
    private readonly TemporaryFolder _folder = new();
    private TestDatabase _db = null!;
    private ReleaseStore _store = null!;

    private string Bundle => Path.Combine(_folder.Path, "bundle");

    private ImportBundleJob Job => new(_db.DataSource, TimeProvider.System);

    public async ValueTask InitializeAsync()
    {
        _db = await postgres.CreateDatabaseAsync();
        _store = new(_db.DataSource);
    }

    public async ValueTask DisposeAsync()
    {
        await _db.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_bundle_of_another_program_is_registered_indexed_and_activated_and_says_what_is_missing()
    {
        await TestVideos.InsertAsync(_db, 1, 7); // the bundle has 1..5
        await _db.ExecuteAsync($"delete from public.videos where id = '{TestVideos.Id(2)}'");
        TestBundles.WriteForeign(Bundle, ForeignParquet);
        var result = await Job.RunAsync(Bundle, Options);

        Assert.Equal(("20251012-093000", 4, 1, 2, true), (result.ModelVersion, result.Videos, result.Skipped, result.WithoutVector, result.Activated));
        Assert.Equal(
            ["2 of 6 videos have no vector in the bundle: they can't be recommended by this release.",
                "1 vectors of the bundle are of videos that aren't here: skipped.",
                "public.video_embeddings isn't vector(16): it is left as it is."], result.Warnings);
        var active = await _store.GetActiveAsync();
        Assert.Equal(("20251012-093000", true, 16), (active!.ModelVersion, active.Imported, active.EmbeddingDim));
        Assert.True(await VectorIndex.ExistsAsync(_db.DataSource, await ReleaseVectors.OpenAsync(_db.DataSource, active)));

        // From the store alone, the bundle may be gone by now.
        Directory.Delete(Bundle, recursive: true);
        using var tower = UserTower.FromFiles(await _store.OpenAsync(active.ModelVersion));
        Assert.True(UnitVector.IsUnit(tower.Encode(Golden.UserPayloads[0], Golden.AsOf), out var _));
    }

    [Fact]
    public async Task The_same_bundle_again_changes_nothing()
    {
        await TestVideos.InsertAsync(_db, 1, 5);
        TestBundles.WriteForeign(Bundle, ForeignParquet);
        await Job.RunAsync(Bundle, Options);
        var again = await Job.RunAsync(Bundle, Options);
        Assert.Equal((0L, 5L, false), (again.Embedded, again.Videos, again.Activated));
        Assert.Single(await _store.ListAsync());
        Assert.Equal(1L, await _db.ScalarAsync<long>("select count(*) from two_tower.activations"));
    }

    [Fact]
    public async Task Another_bundle_under_the_same_version_is_refused()
    {
        await TestVideos.InsertAsync(_db, 1, 5);
        TestBundles.WriteForeign(Bundle, ForeignParquet);
        await Job.RunAsync(Bundle, Options);
        var other = Path.Combine(_folder.Path, "other");
        TestBundles.WriteForeign(other, ForeignParquet, seed: 4);
        var error = await Assert.ThrowsAsync<InputException>(() => Job.RunAsync(other, Options));
        Assert.Contains("There is a release 20251012-093000 with other files", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_damaged_bundle_leaves_no_trace_in_the_registry()
    {
        await TestVideos.InsertAsync(_db, 1, 5);
        TestBundles.WriteForeign(Bundle, ForeignParquet);
        await File.AppendAllTextAsync(Path.Combine(Bundle, "video_embeddings.parquet"), "x");
        await Assert.ThrowsAsync<InputException>(() => Job.RunAsync(Bundle, Options));
        Assert.Empty(await _store.ListAsync());
    }

    [Fact]
    public async Task A_bundle_whose_videos_are_all_unknown_fails_and_says_what_to_do()
    {
        await TestVideos.InsertAsync(_db, 10, 12);
        TestBundles.WriteForeign(Bundle, ForeignParquet);
        var error = await Assert.ThrowsAsync<InputException>(() => Job.RunAsync(Bundle, Options));
        Assert.Contains("none of the 5 vectors in video_embeddings.parquet is of a video that is here: import the catalogue first", error.Message, StringComparison.Ordinal);
        Assert.Null(await _store.GetActiveAsync());

        // With the catalogue there, the failed release is gone on with.
        await TestVideos.InsertAsync(_db, 1, 5);
        Assert.True((await Job.RunAsync(Bundle, Options)).Activated);
    }

    [Fact]
    public async Task Vectors_that_are_not_of_unit_length_or_there_twice_fail_the_release_by_name()
    {
        await TestVideos.InsertAsync(_db, 1, 5);
        TestBundles.WriteForeign(Bundle, await WriteAsync("long.parquet", [(TestVideos.Id(1), 1f), (TestVideos.Id(2), 2f)]), "long");
        var error = await Assert.ThrowsAsync<InputException>(() => Job.RunAsync(Bundle, Options));
        Assert.Contains($"the vector of video {TestVideos.Id(2)} has length 2, not 1", error.Message, StringComparison.Ordinal);
        Assert.Equal(ReleaseState.Failed, (await _store.GetAsync("long")).State);

        var twice = Path.Combine(_folder.Path, "twice");
        TestBundles.WriteForeign(twice, await WriteAsync("twice.parquet", [(TestVideos.Id(1), 1f), (TestVideos.Id(1), 1f)]), "twice");
        error = await Assert.ThrowsAsync<InputException>(() => Job.RunAsync(twice, Options));
        Assert.Contains($"has video {TestVideos.Id(1)} twice", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_exported_release_imports_elsewhere_with_the_same_vectors_and_embeds_what_it_lacks()
    {
        await TestVideos.InsertAsync(_db, 1, 200);
        var release = await _store.RegisterAsync(ReleaseFiles.Build(TestCheckpoints.Random(), Golden.AsOf), new());
        await new EmbedJob(_db.DataSource, TimeProvider.System).RunAsync(null, Options);
        var manifest = await ReleaseExport.WriteAsync(_db.DataSource, null, Bundle, TimeProvider.System, "abc");
        Assert.Equal(release.ModelVersion, manifest.ModelVersion);

        await using var elsewhere = await postgres.CreateDatabaseAsync();
        await TestVideos.InsertAsync(elsewhere, 1, 210);
        var result = await new ImportBundleJob(elsewhere.DataSource, TimeProvider.System).RunAsync(Bundle, Options);
        Assert.Equal((210L, 0L, 0L, true), (result.Videos, result.Skipped, result.WithoutVector, result.Activated));
        const string first = "select string_agg(md5(embedding::text), ',' order by video_id) from (select * from two_tower.video_embeddings_1 order by video_id limit 200) e";
        Assert.Equal(await _db.ScalarAsync<string>(first), await elsewhere.ScalarAsync<string>(first));
        Assert.Equal(
            (await _store.OpenAsync(release.ModelVersion)).Files.Select(file => file.Sha256),
            (await new ReleaseStore(elsewhere.DataSource).OpenAsync(release.ModelVersion)).Files.Select(file => file.Sha256));
    }

    [Fact]
    public async Task A_release_without_its_vectors_cannot_be_exported()
    {
        var release = await _store.RegisterAsync(ReleaseFiles.Build(TestCheckpoints.Random(), Golden.AsOf), new());
        var error =
            await Assert.ThrowsAsync<InputException>(
                () => ReleaseExport.WriteAsync(_db.DataSource, release.ModelVersion, Bundle, TimeProvider.System));
        Assert.Contains("is trained: only one with all its vectors can be exported", error.Message, StringComparison.Ordinal);
        error = await Assert.ThrowsAsync<InputException>(() => ReleaseExport.WriteAsync(_db.DataSource, null, Bundle, TimeProvider.System));
        Assert.Contains("No release is active", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_bundle_without_an_item_tower_is_served_but_not_embedded_again()
    {
        await TestVideos.InsertAsync(_db, 1, 5);
        TestBundles.WriteForeign(Bundle, ForeignParquet);
        await Job.RunAsync(Bundle, Options);
        var error =
            await Assert.ThrowsAsync<InputException>(() => new EmbedJob(_db.DataSource, TimeProvider.System).RunAsync(null, Options));
        Assert.Contains("was imported without an item tower", error.Message, StringComparison.Ordinal);
        Assert.Equal(ReleaseState.Active, (await _store.GetAsync("20251012-093000")).State);
    }

    [Fact]
    public async Task A_flat_configuration_of_the_original_program_is_kept_as_it_is()
    {
        await TestVideos.InsertAsync(_db, 1, 5);
        TestBundles.WriteForeign(Bundle, ForeignParquet);
        await Job.RunAsync(Bundle, Options);
        var release = await _store.GetAsync("20251012-093000");
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse("{\"embedding_dim\": 16, \"use_rpc_features\": true}"), JsonNode.Parse(release.Config.GetRawText())));
        Assert.True(release.UseRpcFeatures);
    }

    private async Task<string> WriteAsync(string name, (Guid Id, float Length)[] rows)
    {
        var path = Path.Combine(_folder.Path, name);
        await using var stream = File.Create(path);
        await using var writer = await EmbeddingParquetWriter.CreateAsync(stream, 16);
        foreach (var (id, length) in rows)
        {
            var vector = new float[16];
            vector[0] = length;
            await writer.AddAsync(id, vector);
        }

        return path;
    }
}
