using TwoTower.Core.Artifacts;
using TwoTower.Core.Features;
using TwoTower.Core.Inference;

namespace TwoTower.Core.Bundles;

/// <summary>Reads a bundle, ours or the original Python program's, and refuses by name what can't be served.</summary>
public static class BundleReader
{
    private static readonly string[] Required =
    [
        ArtifactNames.UserTower, ArtifactNames.FeatureSchema, ArtifactNames.Normalizer, ArtifactNames.TagVocabulary,
        ArtifactNames.ActressVocabulary, ArtifactNames.ModelMeta, ArtifactNames.VideoEmbeddings,
    ];

    /// <summary>
    /// Verifies size and hash of every file, then that schema, networks, vocabularies, normaliser, model_meta.json and the dimension agree.
    /// The vectors' shape is checked here, each number as it is read.
    /// </summary>
    /// <param name="directory">The bundle's folder.</param>
    /// <param name="ct">Cancels between files.</param>
    /// <exception cref="InputException">What is missing, damaged or unknown, by name.</exception>
    public static async Task<Bundle> ReadAsync(string directory, CancellationToken ct = default)
    {
        var manifest = ManifestBuilder.Verify(directory);
        var listed = manifest.Files.Select(file => file.Path).ToHashSet(StringComparer.Ordinal);
        var missing = Required.Where(path => !listed.Contains(path)).ToList();
        if (missing.Count > 0)
        {
            throw new InputException($"The manifest of {directory} doesn't list {string.Join(", ", missing)}: a bundle needs them.");
        }

        if (listed.Contains(ArtifactNames.ItemTower) != listed.Contains(ArtifactNames.ItemFeatureSchema))
        {
            throw new InputException($"{directory} must have both {ArtifactNames.ItemTower} and {ArtifactNames.ItemFeatureSchema}, or neither.");
        }

        var files = new ReleaseFileSet($"bundle {directory}", manifest.Files
            .Where(file => file.Path is not ArtifactNames.VideoEmbeddings)
            .Select(file => ReadFile(directory, file)));
        var hasItemTower = files.Contains(ArtifactNames.ItemTower);
        var meta = FeatureFiles.ReadMeta(files);
        CheckVocabulary(files, ArtifactNames.TagVocabulary, "tag_vocab_size", meta.TagVocabSize);
        CheckVocabulary(files, ArtifactNames.ActressVocabulary, "actress_vocab_size", meta.ActressVocabSize);

        using var user = UserTower.FromFiles(files);
        if (user.ReadsHistory && !(hasItemTower && files.Contains(ArtifactNames.HistoryTower)))
        {
            // History vectors aren't part of a bundle: the networks make them.
            throw new InputException(
                $"{files.Name}: its user tower reads pooled histories (a segment {FeatureSegmentTypes.PooledHistory} in {ArtifactNames.FeatureSchema}); " +
                $"it needs {ArtifactNames.ItemTower}, {ArtifactNames.ItemFeatureSchema} and {ArtifactNames.HistoryTower} too. Export the bundle whole.");
        }

        CheckDim(files, "user_feature_dim", meta.UserFeatureDim, user.FeatureDim);
        if (hasItemTower)
        {
            using var item = ItemTower.FromFiles(files);
            CheckDim(files, "item_feature_dim", meta.ItemFeatureDim, item.FeatureDim);
            if (item.EmbeddingDim != user.EmbeddingDim)
            {
                throw new InputException($"{files.Name}: the user tower gives {user.EmbeddingDim} numbers, the item tower {item.EmbeddingDim}.");
            }
        }

        await EmbeddingParquetReader.CheckAsync(Path.Combine(directory, ArtifactNames.VideoEmbeddings), user.EmbeddingDim, ct);
        return new(directory, manifest, files, user.EmbeddingDim, hasItemTower);
    }

    private static ReleaseFile ReadFile(string directory, ManifestFile listed)
    {
        // Hashed again over the very bytes that will be used: the file may have changed since the folder was verified.
        var file = new ReleaseFile(listed.Path, File.ReadAllBytes(Path.Combine(directory, listed.Path)));
        return file.Sha256.Equals(listed.Sha256, StringComparison.OrdinalIgnoreCase)
            ? file
            : throw new InputException($"{Path.Combine(directory, listed.Path)} changed while it was read: its SHA-256 is {file.Sha256}, not {listed.Sha256}.");
    }

    private static void CheckVocabulary(ReleaseFileSet files, string path, string key, int? stated)
    {
        var size = FeatureFiles.ReadVocabulary(files, path).Tokens.Count;
        if (stated is not null && stated != size)
        {
            throw new InputException($"{files.Name}: {path} has {size} tokens, model_meta.json says {key} {stated}.");
        }
    }

    private static void CheckDim(ReleaseFileSet files, string key, int? stated, int actual)
    {
        if (stated is not null && stated != actual)
        {
            throw new InputException($"{files.Name}: the feature schema's input_dim is {actual}, model_meta.json says {key} {stated}.");
        }
    }
}
