using System.Text.Json;
using System.Text.Json.Nodes;
using TwoTower.Core.Artifacts;
using TwoTower.Core.Bundles;

namespace TwoTower.Testing;

/// <summary>Bundles on disk: ours, and one laid out as the original Python program lays its own out.</summary>
internal static class TestBundles
{
    /// <summary>The five videos of tests/TwoTower.Core.Tests/foreign.</summary>
    public static IReadOnlyList<Guid> ForeignVideos { get; } =
        [.. Enumerable.Range(1, 5).Select(i => Guid.Parse($"00000000-0000-4000-8000-00000000000{i}"))];

    /// <summary>A bundle as we write it, with random unit vectors for the videos.</summary>
    public static async Task<Manifest> WriteOursAsync(
        string directory, Checkpoint checkpoint, IReadOnlyList<Guid> videos, DateTimeOffset at)
    {
        var files = new ReleaseFileSet("ours", ReleaseFiles.Build(checkpoint, at));
        return await BundleWriter.WriteAsync(
            directory, ModelVersion.Of("v2", at, files.Files), files, checkpoint.User.EmbeddingDim,
            Batches(videos, checkpoint.User.EmbeddingDim), at, "0123abc");
    }

    /// <summary>
    /// A bundle as another program writes it: no item tower, no metrics, an input of another name, a flat configuration, keys that we don't
    /// know, upper-case hashes, a naive time, and <paramref name="parquet"/> as it is.
    /// </summary>
    public static void WriteForeign(string directory, string parquet, string modelVersion = "20251012-093000", int seed = 3)
    {
        Directory.CreateDirectory(directory);
        var checkpoint = TestCheckpoints.Random(16, seed);
        var files = ReleaseFiles.Build(checkpoint, DateTimeOffset.UnixEpoch).ToDictionary(file => file.Path, file => file.Content);
        Write(ArtifactNames.UserTower, OnnxTowerWriter.Write(checkpoint.User, "dense_input", "output_0"));
        Write(ArtifactNames.FeatureSchema, Edit(files[ArtifactNames.FeatureSchema], json => json["input_name"] = "dense_input"));
        Write(ArtifactNames.Normalizer, files[ArtifactNames.Normalizer]);
        Write(ArtifactNames.TagVocabulary, files[ArtifactNames.TagVocabulary]);
        Write(ArtifactNames.ActressVocabulary, files[ArtifactNames.ActressVocabulary]);
        Write(ArtifactNames.ModelMeta, Edit(files[ArtifactNames.ModelMeta], json =>
        {
            json["exported_at"] = "2025-10-12T09:30:00.123456";
            json.Remove("reference_released_at");
            json["config"] = new JsonObject { ["embedding_dim"] = 16, ["use_rpc_features"] = true };
            json["torch_version"] = "1.13.1";
        }));
        File.Copy(parquet, Path.Combine(directory, ArtifactNames.VideoEmbeddings));
        ManifestBuilder.Build(directory, modelVersion, DateTimeOffset.UnixEpoch);
        EditManifest(directory, json =>
        {
            json["generated_at"] = "2025-10-12T09:30:00.123456";
            json.Remove("commit_sha");
            json["python"] = "3.11";
            foreach (var file in json["files"]!.AsArray()) file!["sha256"] = file["sha256"]!.GetValue<string>().ToUpperInvariant();
        });

        void Write(string name, byte[] content) => File.WriteAllBytes(Path.Combine(directory, name), content);
    }

    /// <summary>Changes a JSON file of a bundle and writes the manifest anew, so that its hash is right.</summary>
    public static void EditJson(string directory, string name, Action<JsonObject> edit)
    {
        var path = Path.Combine(directory, name);
        File.WriteAllBytes(path, Edit(File.ReadAllBytes(path), edit));
        Seal(directory);
    }

    /// <summary>Writes the manifest anew.</summary>
    public static void Seal(string directory) => ManifestBuilder.Build(directory, "edited", DateTimeOffset.UnixEpoch);

    /// <summary>Changes the manifest itself.</summary>
    public static void EditManifest(string directory, Action<JsonObject> edit)
    {
        var path = Path.Combine(directory, ArtifactNames.Manifest);
        File.WriteAllBytes(path, Edit(File.ReadAllBytes(path), edit));
    }

    /// <summary>Random unit vectors.</summary>
    public static async IAsyncEnumerable<EmbeddingBatch> Batches(IReadOnlyList<Guid> videos, int dim, int seed = 5)
    {
        var random = new Random(seed);
        foreach (var chunk in videos.Chunk(1000))
        {
            var vectors = new float[chunk.Length * dim];
            for (var row = 0; row < chunk.Length; row++)
            {
                var vector = vectors.AsSpan(row * dim, dim);
                var squares = 0.0;
                foreach (ref var value in vector)
                {
                    value = random.NextSingle() - .5f;
                    squares += value * value;
                }

                foreach (ref var value in vector) value = (float)(value / Math.Sqrt(squares));
            }

            await Task.Yield();
            yield return new EmbeddingBatch(chunk, vectors, dim);
        }
    }

    private static byte[] Edit(byte[] json, Action<JsonObject> edit)
    {
        var node = JsonNode.Parse(json)!.AsObject();
        edit(node);
        return JsonSerializer.SerializeToUtf8Bytes(node);
    }
}
