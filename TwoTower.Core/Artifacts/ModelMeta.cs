using System.Text.Json;
using System.Text.Json.Serialization;
using TwoTower.Core.Configuration;

namespace TwoTower.Core.Artifacts;

/// <summary>
/// <c>model_meta.json</c>: when a model was exported, its dimensions and its configuration. What another program leaves out is null;
/// what it adds is ignored.
/// </summary>
public sealed record ModelMeta
{
    /// <summary>When the files were made, UTC.</summary>
    public DateTimeOffset? ExportedAt { get; init; }

    /// <summary>Length of an embedding.</summary>
    public int? EmbeddingDim { get; init; }

    /// <summary>Length of the user tower's input.</summary>
    public int? UserFeatureDim { get; init; }

    /// <summary>Length of the item tower's input.</summary>
    public int? ItemFeatureDim { get; init; }

    /// <summary>Tokens in vocab_tag.json.</summary>
    public int? TagVocabSize { get; init; }

    /// <summary>Tokens in vocab_actress.json.</summary>
    public int? ActressVocabSize { get; init; }

    /// <summary>Latest release in the data set at fitting, which the items' recency is counted from; null when no video had one.</summary>
    public DateTimeOffset? ReferenceReleasedAt { get; init; }

    /// <summary>The configuration that was trained, as the program that trained it writes it.</summary>
    public JsonElement? Config { get; init; }

    /// <summary>How an answer is made of candidates, for readers in other languages; null in bundles of other programs and in older
    /// ones.</summary>
    public RankingRules? Ranking { get; init; }

    /// <summary>
    /// Whether answers are re-ranked, <c>serving.re_rank</c> of the configuration; true where it doesn't say, as with every model of
    /// another program (contract, section 9).
    /// </summary>
    [JsonIgnore]
    public bool ReRanks => !(Config is { ValueKind: JsonValueKind.Object } config
        && config.TryGetProperty("serving", out var serving) && serving.ValueKind == JsonValueKind.Object
        && serving.TryGetProperty("re_rank", out var reRank) && reRank.ValueKind == JsonValueKind.False);

    /// <summary>
    /// The latest decisions of a user that count, <c>features.max_decisions</c> of the configuration; the default where it doesn't say, or
    /// not in a whole number of its range (<c>two_tower.max_decisions</c> in SQL).
    /// </summary>
    [JsonIgnore]
    public int MaxDecisions => Config is { ValueKind: JsonValueKind.Object } config
        && config.TryGetProperty("features", out var features) && features.ValueKind == JsonValueKind.Object
        && features.TryGetProperty("max_decisions", out var most) && most.ValueKind == JsonValueKind.Number
        && most.TryGetInt32(out var count) && count is >= 1 and <= FeatureOptions.MostMaxDecisions
            ? count : FeatureOptions.DefaultMaxDecisions;

    /// <summary>Reads the file.</summary>
    /// <exception cref="InputException">It isn't JSON of this shape.</exception>
    public static ModelMeta Parse(ReadOnlySpan<byte> json, string source) => BundleJson.Read<ModelMeta>(json, source);

    /// <summary>The file's bytes.</summary>
    public byte[] ToJson() => BundleJson.Write(this);
}
