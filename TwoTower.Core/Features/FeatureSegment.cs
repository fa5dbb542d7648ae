using System.Text.Json.Serialization;

namespace TwoTower.Core.Features;

/// <summary>One run of columns of a feature vector.</summary>
/// <param name="Name">Name of the segment, such as <c>tag_vector</c>; says where a bag of words comes from.</param>
/// <param name="Size">Columns.</param>
/// <param name="Type">How the columns are computed: one of <see cref="FeatureSegmentTypes"/>.</param>
/// <param name="Features">Names of the numerics, one a column; only with <c>standard_score</c>.</param>
/// <param name="Range">Lowest and highest value; only with <c>scaled_bucket</c>.</param>
/// <param name="Smoothing">Added to the number of decisions that a sum is divided by; only with <c>pooled_history</c>.</param>
public sealed record FeatureSegment(
    [property: JsonPropertyOrder(0)] string Name,
    [property: JsonPropertyOrder(1)] int Size,
    [property: JsonPropertyOrder(3)] string Type,
    [property: JsonPropertyOrder(2)] IReadOnlyList<string>? Features = null,
    [property: JsonPropertyOrder(4)] IReadOnlyList<double>? Range = null,
    [property: JsonPropertyOrder(5)] double? Smoothing = null)
{
    /// <summary>
    /// Where the columns come from: a dotted path into the payload, <c>tags</c>, <c>history.liked</c>. This and the keys below it say to
    /// readers in other
    /// languages what this program knows by the segment's name; null in bundles of other programs and in older ones.
    /// </summary>
    [JsonPropertyOrder(6)]
    public string? Payload { get; init; }

    /// <summary>File of the bundle with the tokens, in vector order; only with <c>l2_normalized_bow</c>.</summary>
    [JsonPropertyOrder(7)]
    public string? Vocabulary { get; init; }

    /// <summary>
    /// Object of normalizer.json with the means and deviations; only with <c>standard_score</c> and <c>video_feature</c>.
    /// </summary>
    [JsonPropertyOrder(8)]
    public string? Normalizer { get; init; }

    /// <summary>
    /// How the value of each of <see cref="Features"/> is computed, before it is standardised, one a feature (contract, section 7).
    /// </summary>
    [JsonPropertyOrder(9)]
    public IReadOnlyList<string>? Formulas { get; init; }

    /// <summary>What a deviation of 0 counts as; only with <c>standard_score</c>.</summary>
    [JsonPropertyOrder(10)]
    public double? ZeroStd { get; init; }

    /// <summary>What the value is divided by; only with <c>scaled_bucket</c>.</summary>
    [JsonPropertyOrder(11)]
    public double? Divisor { get; init; }

    /// <summary>
    /// Counts of the payload whose sum, with <see cref="Smoothing"/>, the value is divided by; only with <c>pooled_history</c>.
    /// </summary>
    [JsonPropertyOrder(12)]
    public IReadOnlyList<string>? Counts { get; init; }

    /// <summary>What it is divided by at least; only with <c>pooled_history</c>.</summary>
    [JsonPropertyOrder(13)]
    public double? LeastDivisor { get; init; }
}

/// <summary>The types of segment that exist (contract, section 7).</summary>
internal static class FeatureSegmentTypes
{
    /// <summary>(value − mean) ÷ standard deviation.</summary>
    public const string StandardScore = "standard_score";

    /// <summary>An hour of the day, divided by 23.</summary>
    public const string ScaledBucket = "scaled_bucket";

    /// <summary>Counts per token of a vocabulary, divided by their L2 norm; all zeros stays zero.</summary>
    public const string BagOfWords = "l2_normalized_bow";

    /// <summary>
    /// Sum of one half of the history vectors of a user's liked (or noped) videos ÷ (liked + noped videos with such a vector + smoothing).
    /// The sums come with the user's features, for a given release (docs/recipes.md).
    /// </summary>
    public const string PooledHistory = "pooled_history";

    /// <summary>
    /// What a model learned of one video beside its content, from the release's <c>item_ids.safetensors</c>; zeros for others.
    /// </summary>
    public const string IdEmbedding = "id_embedding";

    /// <summary>
    /// A vector of the video that another program made: the segment's name is its key in the payload's <c>video_features</c>. (value −
    /// mean) ÷
    /// std by <c>video_features</c> of the normaliser, then a 1; all zeros for a video without one. Items only.
    /// </summary>
    public const string VideoFeature = "video_feature";
}

/// <summary>Names of the segments that this program knows, in the order in which its own vectors have them.</summary>
internal static class FeatureSegmentNames
{
    /// <summary>Standardised numerics.</summary>
    public const string Numeric = "numeric";

    /// <summary>Mean UTC hour of the likes ÷ 23; users only.</summary>
    public const string HourOfDay = "hour_of_day";

    /// <summary>Tags over the tag vocabulary.</summary>
    public const string TagVector = "tag_vector";

    /// <summary>Performers over the performer vocabulary.</summary>
    public const string ActressVector = "actress_vector";

    /// <summary>History vectors of liked videos; users only.</summary>
    public const string LikedHistory = "liked_history";

    /// <summary>History vectors of noped videos; users only.</summary>
    public const string NopedHistory = "noped_history";

    /// <summary>The video's own vector; items only.</summary>
    public const string IdEmbedding = "id_embedding";
}

/// <summary>Whose vector it is.</summary>
internal enum FeatureSide
{
    /// <summary>Input of the user tower.</summary>
    User,

    /// <summary>Input of the item tower.</summary>
    Item,
}
