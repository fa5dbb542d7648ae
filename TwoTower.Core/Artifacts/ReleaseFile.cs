using System.Security.Cryptography;

namespace TwoTower.Core.Artifacts;

/// <summary>One file of a release or a bundle: a network or a JSON file, a few megabytes at most.</summary>
/// <param name="Path">Its name; no folders.</param>
/// <param name="Content">Its bytes.</param>
public sealed record ReleaseFile(string Path, byte[] Content)
{
    /// <summary>SHA-256 of the content, 64 lower-case hex digits.</summary>
    public string Sha256 { get; } = Convert.ToHexStringLower(SHA256.HashData(Content));
}

/// <summary>Names of the files of a release (contract, section 7).</summary>
public static class ArtifactNames
{
    /// <summary>Network: user features → embedding.</summary>
    public const string UserTower = "user_tower.onnx";

    /// <summary>Network: item features → embedding. Ours only: a bundle of the original program has none.</summary>
    public const string ItemTower = "item_tower.onnx";

    /// <summary>Network: item features → history vector. Only where the user tower reads histories.</summary>
    public const string HistoryTower = "history_tower.onnx";

    /// <summary>Vectors of single videos, part of the item towers' input. Only where the item features have an id_embedding.</summary>
    public const string ItemIds = "item_ids.safetensors";

    /// <summary>Layout of the user tower's input.</summary>
    public const string FeatureSchema = "feature_schema.json";

    /// <summary>Layout of the item tower's input.</summary>
    public const string ItemFeatureSchema = "item_feature_schema.json";

    /// <summary>Means and deviations.</summary>
    public const string Normalizer = "normalizer.json";

    /// <summary>Tags in vector order.</summary>
    public const string TagVocabulary = "vocab_tag.json";

    /// <summary>Performers in vector order.</summary>
    public const string ActressVocabulary = "vocab_actress.json";

    /// <summary>Dimensions, configuration, date.</summary>
    public const string ModelMeta = "model_meta.json";

    /// <summary>How the training went.</summary>
    public const string Metrics = "metrics.json";

    /// <summary>Inputs, and the embeddings that the trainer's towers give for them. Ours only.</summary>
    public const string Probes = "probes.json";

    /// <summary>From a score to the probability of a like. Only where the recipe asks for it and enough was held out.</summary>
    public const string Calibration = "calibration.json";

    /// <summary>Vectors of all videos; part of a bundle, not of a release.</summary>
    public const string VideoEmbeddings = "video_embeddings.parquet";

    /// <summary>Names and hashes of all other files of a bundle.</summary>
    public const string Manifest = "manifest.json";
}
