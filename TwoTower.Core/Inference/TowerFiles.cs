using TwoTower.Core.Artifacts;
using TwoTower.Core.Features;

namespace TwoTower.Core.Inference;

/// <summary>Loads a network against the schema that describes its input.</summary>
internal static class TowerFiles
{
    public static OnnxTower Load(ReleaseFileSet files, string path, FeatureSchema schema)
    {
        var meta = FeatureFiles.ReadMeta(files);
        if (meta.EmbeddingDim is { } dim && dim != schema.EmbeddingDim)
        {
            throw new InputException(
                $"{files.Name}: the feature schema of {path} says embedding_dim {schema.EmbeddingDim}, model_meta.json says {dim}.");
        }

        return New(files, path, schema, schema.EmbeddingDim, unit: true);
    }

    /// <summary>The network for history vectors, which reads what the item tower reads; null where the release has none.</summary>
    public static OnnxTower? LoadHistory(ReleaseFileSet files, FeatureSchema items)
    {
        if (!files.Contains(ArtifactNames.HistoryTower)) return null;
        // A history vector has a half for each segment of the user tower's input.
        var users = FeatureSchema.Parse(files[ArtifactNames.FeatureSchema], ArtifactNames.FeatureSchema);
        var halves = users.Segments.Where(segment => segment.Type == FeatureSegmentTypes.PooledHistory).ToList();
        if (halves is not [{ Size: var size }, { Size: var other }] || size != other)
        {
            throw new InputException($"{files.Name} has a {ArtifactNames.HistoryTower}, but its {ArtifactNames.FeatureSchema} hasn't two segments pooled_history of one size.");
        }

        return New(files, ArtifactNames.HistoryTower, items, 2 * size, unit: false);
    }

    private static OnnxTower New(ReleaseFileSet files, string path, FeatureSchema schema, int dim, bool unit)
    {
        return new OnnxTower(files[path], $"{path} of {files.Name}", schema.InputName, schema.InputDim, dim, unit);
    }
}
