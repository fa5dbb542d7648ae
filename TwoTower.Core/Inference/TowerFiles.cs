using TwoTower.Core.Artifacts;
using TwoTower.Core.Features;
using TwoTower.Core.Releases;

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

        return new OnnxTower(files[path], $"{path} of {files.Name}", schema.InputName, schema.InputDim, schema.EmbeddingDim);
    }
}
