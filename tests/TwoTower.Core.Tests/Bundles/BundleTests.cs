using System.Text.Json.Nodes;
using TwoTower.Core.Artifacts;
using TwoTower.Core.Bundles;
using TwoTower.Core.Inference;
using TwoTower.Testing;

namespace TwoTower.Core.Tests.Bundles;

public sealed class BundleTests : IDisposable
{
    private static readonly string ForeignParquet = Path.Combine(AppContext.BaseDirectory, "foreign", "double_item_zstd.parquet");
    private readonly TemporaryFolder _folder = new();

    private string Bundle => Path.Combine(_folder.Path, "bundle");

    public void Dispose() => _folder.Dispose();

    private Task<Manifest> WriteAsync(int seed = 1) =>
        TestBundles.WriteOursAsync(Bundle, TestCheckpoints.Random(seed: seed), TestBundles.ForeignVideos, Golden.AsOf);

    private async Task<string> RefusalAsync() => (await Assert.ThrowsAsync<InputException>(() => BundleReader.ReadAsync(Bundle))).Message;

    [Fact]
    public async Task A_bundle_of_ours_is_read_back_with_both_towers_and_its_vectors()
    {
        var manifest = await WriteAsync();
        var bundle = await BundleReader.ReadAsync(Bundle);
        Assert.Equal(manifest.ModelVersion, bundle.ModelVersion);
        Assert.Equal((16, true), (bundle.EmbeddingDim, bundle.HasItemTower));
        using var tower = UserTower.FromFiles(bundle.Files);
        Assert.True(UnitVector.IsUnit(tower.Encode(Golden.UserPayloads[0], Golden.AsOf), out var _));
        var vectors = new List<Guid>();
        await foreach (var batch in bundle.ReadEmbeddingsAsync()) vectors.AddRange(batch.VideoIds);
        Assert.Equal(TestBundles.ForeignVideos, vectors);
    }

    [Fact]
    public async Task The_manifest_has_the_shape_of_the_contract()
    {
        await WriteAsync();
        var json = JsonNode.Parse(await File.ReadAllBytesAsync(Path.Combine(Bundle, "manifest.json")))!.AsObject();
        Assert.Equal(["model_version", "generated_at", "commit_sha", "files", "model_meta"], json.Select(property => property.Key));
        Assert.Equal("2025-10-12T09:30:00Z", json["generated_at"]!.GetValue<string>());
        Assert.Equal("0123abc", json["commit_sha"]!.GetValue<string>());
        var files = json["files"]!.AsArray();
        Assert.Equal(["path", "sha256", "size"], files[0]!.AsObject().Select(property => property.Key));
        var paths = files.Select(file => file!["path"]!.GetValue<string>()).ToList();
        Assert.Equal(paths.Order(StringComparer.Ordinal), paths);
        Assert.Contains("video_embeddings.parquet", paths);
        Assert.DoesNotContain("manifest.json", paths);
        Assert.Equal(16, json["model_meta"]!["embedding_dim"]!.GetValue<int>());
    }

    [Fact]
    public async Task Writing_again_replaces_the_bundle_and_leaves_nothing_beside_it()
    {
        var first = await WriteAsync();
        var second = await WriteAsync(seed: 2);
        Assert.NotEqual(first.ModelVersion, second.ModelVersion);
        Assert.Equal(second.ModelVersion, (await BundleReader.ReadAsync(Bundle)).ModelVersion);
        Assert.Equal([Bundle], Directory.GetFileSystemEntries(_folder.Path));
    }

    [Fact]
    public async Task A_bundle_that_cannot_be_finished_leaves_the_old_one()
    {
        var first = await WriteAsync();
        using var cancelled = new CancellationTokenSource();
        async IAsyncEnumerable<EmbeddingBatch> Cancelling()
        {
            await foreach (var batch in TestBundles.Batches(TestBundles.ForeignVideos, 16))
            {
                yield return batch;
                await cancelled.CancelAsync();
            }
        }

        var files = (await BundleReader.ReadAsync(Bundle)).Files;
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => BundleWriter.WriteAsync(
            Bundle, "other", files, 16, Cancelling(), Golden.AsOf, ct: cancelled.Token));
        Assert.Equal(first.ModelVersion, (await BundleReader.ReadAsync(Bundle)).ModelVersion);
        Assert.Equal([Bundle], Directory.GetFileSystemEntries(_folder.Path));
    }

    [Fact]
    public async Task A_folder_of_something_else_is_never_overwritten()
    {
        Directory.CreateDirectory(Bundle);
        await File.WriteAllTextAsync(Path.Combine(Bundle, "thesis.txt"), "mine");
        var error = await Assert.ThrowsAsync<InputException>(() => WriteAsync());
        Assert.Contains("isn't empty and isn't a bundle", error.Message, StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Combine(Bundle, "thesis.txt")));
    }

    [Fact]
    public async Task A_bundle_of_another_program_is_served_as_it_is()
    {
        TestBundles.WriteForeign(Bundle, ForeignParquet);
        var bundle = await BundleReader.ReadAsync(Bundle);
        Assert.Equal(("20251012-093000", 16, false), (bundle.ModelVersion, bundle.EmbeddingDim, bundle.HasItemTower));
        using var tower = UserTower.FromFiles(bundle.Files);
        Assert.True(tower.ReRanks);
        Assert.True(UnitVector.IsUnit(tower.Encode(Golden.UserPayloads[0], Golden.AsOf), out var _));
    }

    [Fact]
    public async Task A_flipped_byte_is_refused_by_name()
    {
        await WriteAsync();
        var path = Path.Combine(Bundle, "user_tower.onnx");
        var bytes = await File.ReadAllBytesAsync(path);
        bytes[bytes.Length / 2] ^= 1;
        await File.WriteAllBytesAsync(path, bytes);
        Assert.Contains("user_tower.onnx has SHA-256", await RefusalAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_truncated_and_a_missing_file_are_refused_by_name_together()
    {
        await WriteAsync();
        using (var stream = File.OpenWrite(Path.Combine(Bundle, "video_embeddings.parquet"))) stream.SetLength(100);
        File.Delete(Path.Combine(Bundle, "normalizer.json"));
        var message = await RefusalAsync();
        Assert.Contains("normalizer.json is missing", message, StringComparison.Ordinal);
        Assert.Contains("video_embeddings.parquet has 100 bytes, not", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_manifest_that_leaves_a_needed_file_out_is_refused()
    {
        await WriteAsync();
        TestBundles.EditManifest(Bundle, json => json["files"]!.AsArray().RemoveAll(file => file!["path"]!.GetValue<string>() == "vocab_tag.json"));
        Assert.Contains("doesn't list vocab_tag.json", await RefusalAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("../secret")]
    [InlineData("/etc/passwd")]
    [InlineData("a/b.onnx")]
    [InlineData("..\\x")]
    [InlineData("C:x")]
    [InlineData(".")]
    [InlineData("")]
    public async Task A_path_that_leaves_the_folder_is_refused(string path)
    {
        await WriteAsync();
        TestBundles.EditManifest(Bundle, json => json["files"]![0]!["path"] = path);
        Assert.Contains($"the path '{path}' isn't a plain file name", await RefusalAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("spring 2026")]
    [InlineData("spring/2026")]
    public async Task A_version_that_the_registry_cannot_take_is_refused_by_name(string version)
    {
        await WriteAsync();
        TestBundles.EditManifest(Bundle, json => json["model_version"] = version);
        Assert.Contains($"the model_version '{version}' isn't 1 to 128 characters without spaces and slashes", await RefusalAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_unknown_segment_type_and_an_unknown_feature_are_refused_by_name()
    {
        await WriteAsync();
        TestBundles.EditJson(Bundle, "feature_schema.json", json => json["segments"]![2]!["type"] = "tf_idf");
        Assert.Contains("'tag_vector' can't be used: its type 'tf_idf'", await RefusalAsync(), StringComparison.Ordinal);
        TestBundles.EditJson(Bundle, "feature_schema.json", json =>
        {
            json["segments"]![2]!["type"] = "l2_normalized_bow";
            json["segments"]![0]!["features"]![3] = "watch_time";
        });
        Assert.Contains("the user feature 'watch_time' isn't known", await RefusalAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Dimensions_that_contradict_each_other_are_refused_with_both_numbers()
    {
        await WriteAsync();
        TestBundles.EditJson(Bundle, "feature_schema.json", json => json["input_dim"] = 777);
        Assert.Contains("input_dim is 777, but the sizes of its segments add up to 41", await RefusalAsync(), StringComparison.Ordinal);

        await WriteAsync();
        TestBundles.EditJson(Bundle, "vocab_tag.json", json => json["tokens"]!.AsArray().RemoveAt(0));
        Assert.Contains("vocab_tag.json has 19 tokens, model_meta.json says tag_vocab_size 20", await RefusalAsync(), StringComparison.Ordinal);

        await WriteAsync();
        TestBundles.EditJson(Bundle, "normalizer.json", json => json["user_numeric"]!.AsObject().Remove("like_ratio"));
        Assert.Contains("the normaliser has no mean and std for 'like_ratio'", await RefusalAsync(), StringComparison.Ordinal);

        await WriteAsync();
        TestBundles.EditJson(Bundle, "model_meta.json", json => json["embedding_dim"] = 256);
        Assert.Contains("says embedding_dim 16, model_meta.json says 256", await RefusalAsync(), StringComparison.Ordinal);

        await WriteAsync();
        TestBundles.EditJson(Bundle, "model_meta.json", json => json["item_feature_dim"] = 36);
        Assert.Contains("input_dim is 35, model_meta.json says item_feature_dim 36", await RefusalAsync(), StringComparison.Ordinal);

        await WriteAsync();
        TestBundles.EditJson(Bundle, "feature_schema.json", json => json["embedding_dim"] = 32);
        TestBundles.EditJson(Bundle, "model_meta.json", json => json["embedding_dim"] = 32);
        Assert.Contains("output user_embedding is Float [-1, 16]; Float [-1, 32] was expected", await RefusalAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_user_tower_that_reads_histories_is_refused_without_the_networks_that_make_history_vectors()
    {
        await TestBundles.WriteOursAsync(
            Bundle, TestCheckpoints.Histories(TestBundles.ForeignVideos), TestBundles.ForeignVideos, Golden.AsOf);
        Assert.True((await BundleReader.ReadAsync(Bundle)).HasItemTower);

        File.Delete(Path.Combine(Bundle, "history_tower.onnx"));
        TestBundles.Seal(Bundle);
        Assert.Contains("history_tower.onnx too", await RefusalAsync(), StringComparison.Ordinal);

        File.Delete(Path.Combine(Bundle, "item_tower.onnx"));
        File.Delete(Path.Combine(Bundle, "item_feature_schema.json"));
        TestBundles.Seal(Bundle);
        Assert.Contains("reads pooled histories", await RefusalAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Vectors_of_another_length_than_the_towers_are_refused()
    {
        await TestBundles.WriteOursAsync(Bundle, TestCheckpoints.Random(embeddingDim: 8), TestBundles.ForeignVideos, Golden.AsOf);
        File.Copy(ForeignParquet, Path.Combine(Bundle, "video_embeddings.parquet"), overwrite: true);
        TestBundles.Seal(Bundle);
        Assert.Contains("has 80 numbers in 5 vectors; the towers give 8 a vector", await RefusalAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_without_a_manifest_or_without_a_model_is_refused()
    {
        Directory.CreateDirectory(Bundle);
        var error = Assert.Throws<InputException>(() => ManifestBuilder.Verify(Bundle));
        Assert.Contains("has no manifest.json", error.Message, StringComparison.Ordinal);
        error = Assert.Throws<InputException>(() => ManifestBuilder.Build(Bundle, "x", Golden.AsOf));
        Assert.Contains("has no model_meta.json", error.Message, StringComparison.Ordinal);
        error = Assert.Throws<InputException>(() => ManifestBuilder.Verify(Path.Combine(Bundle, "none")));
        Assert.StartsWith("There is no folder", error.Message, StringComparison.Ordinal);
    }
}
