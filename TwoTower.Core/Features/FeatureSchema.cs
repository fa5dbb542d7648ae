using System.Text.Json;
using System.Text.Json.Serialization;

namespace TwoTower.Core.Features;

/// <summary>
/// The layout of a tower's input as <c>feature_schema.json</c> writes it (contract, section 7): which segments, in which order, of which
/// type and size.
/// </summary>
/// <param name="Version">Version of the layout, <c>v2</c> or <c>v3</c>: for people; the segments say everything.</param>
/// <param name="InputName">Name of the network's input.</param>
/// <param name="InputDim">Length of the vector, the sum of the segments' sizes.</param>
/// <param name="EmbeddingDim">Length of the network's output.</param>
/// <param name="Segments">The segments in vector order.</param>
public sealed record FeatureSchema(
    string Version, string InputName, int InputDim, int EmbeddingDim, IReadOnlyList<FeatureSegment> Segments)
{
    /// <summary>The layout of our own user vectors: 8 numerics, the hour, tags, performers.</summary>
    public static FeatureSchema ForUsers(int tagCount, int performerCount, int embeddingDim) => Create("user_features", embeddingDim,
    [
        Numeric(NumericFeatures.UserNames, "user_numeric", NumericFeatures.UserFormulas),
        new(FeatureSegmentNames.HourOfDay, 1, FeatureSegmentTypes.ScaledBucket, Range: [0, 1])
        {
            Payload = "decision_stats.average_like_hour",
            Divisor = NumericFeatures.LastHour,
        },
        Tags(tagCount),
        Performers(performerCount),
    ]);

    /// <summary>The layout of our own item vectors: 3 numerics, vectors from elsewhere, tags, performers.</summary>
    public static FeatureSchema ForItems(
        int tagCount, int performerCount, int embeddingDim, IReadOnlyList<VectorStandardizer>? videoFeatures = null) => Create("item_features", embeddingDim,
    [
        Numeric(NumericFeatures.ItemNames, "item_numeric", NumericFeatures.ItemFormulas),
        .. (videoFeatures ?? []).Select(vector => new FeatureSegment(vector.Name, vector.Dim + 1, FeatureSegmentTypes.VideoFeature)
        {
            Payload = $"video_features.{vector.Name}",
            Normalizer = $"video_features.{vector.Name}",
        }),
        Tags(tagCount),
        Performers(performerCount),
    ]);

    /// <summary>The layout of a user vector that is the history itself: what the likes and what the nopes add up to.</summary>
    /// <param name="half">Length of each.</param>
    /// <param name="smoothing">Added to the number of decisions that the sums are divided by.</param>
    /// <param name="embeddingDim">Length of an embedding.</param>
    public static FeatureSchema ForHistories(int half, double smoothing, int embeddingDim) => Create("user_features", embeddingDim,
    [
        History(FeatureSegmentNames.LikedHistory, half, smoothing, "history.liked"),
        History(FeatureSegmentNames.NopedHistory, half, smoothing, "history.noped"),
    ], "v3");

    /// <summary>The layout of an item vector with the video's own part beside its content.</summary>
    public static FeatureSchema ForKnownItems(
        int tagCount, int performerCount, int idDim, int embeddingDim, IReadOnlyList<VectorStandardizer>? videoFeatures = null) => Create("item_features", embeddingDim,
    [
        .. ForItems(tagCount, performerCount, embeddingDim, videoFeatures).Segments,
        new(FeatureSegmentNames.IdEmbedding, idDim, FeatureSegmentTypes.IdEmbedding) { Payload = "video_id" },
    ], "v3");

    /// <summary>
    /// Reads a schema file, ours or the original program's. What a segment means is checked by <see cref="FeatureEncoder"/>, which
    /// needs the vocabularies for it.
    /// </summary>
    /// <param name="json">UTF-8 text of the file.</param>
    /// <param name="source">What the text is, for messages: <c>feature_schema.json</c>.</param>
    /// <exception cref="InputException">Not JSON, a key is missing, or the sizes don't add up to <c>input_dim</c>.</exception>
    public static FeatureSchema Parse(ReadOnlySpan<byte> json, string source)
    {
        FeatureSchema schema;
        try
        {
            schema = JsonSerializer.Deserialize(json, FeatureSchemaJson.Default.FeatureSchema)
                ?? throw new InputException($"{source} is null; a feature schema was expected.");
        }
        catch (JsonException error)
        {
            throw new InputException($"{source} is not a feature schema: {error.Message}", error);
        }

        schema.Check(source);
        return schema;
    }

    /// <summary>The schema as UTF-8 JSON, keys in the contract's order.</summary>
    public byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(this, FeatureSchemaJson.Default.FeatureSchema);

    private void Check(string source)
    {
        if (string.IsNullOrEmpty(InputName) || Segments is null || Segments.Count == 0)
        {
            throw new InputException($"{source} must have input_name and at least one entry in segments.");
        }

        foreach (var segment in Segments)
        {
            if (segment is null || string.IsNullOrEmpty(segment.Name) || string.IsNullOrEmpty(segment.Type) || segment.Size < 0)
            {
                throw new InputException($"{source}: every segment must have a name, a type and a size of 0 or more.");
            }
        }

        var sum = Segments.Sum(segment => (long)segment.Size);
        if (sum != InputDim)
        {
            throw new InputException($"{source}: input_dim is {InputDim}, but the sizes of its segments add up to {sum}.");
        }

        if (EmbeddingDim < 1)
        {
            throw new InputException($"{source}: embedding_dim is {EmbeddingDim}; it must be 1 or more.");
        }
    }

    private static FeatureSegment Numeric(IReadOnlyList<string> names, string normalizer, IReadOnlyList<string> formulas) =>
        new(FeatureSegmentNames.Numeric, names.Count, FeatureSegmentTypes.StandardScore, names)
        {
            Normalizer = normalizer,
            Formulas = formulas,
            ZeroStd = NumericFeatures.ZeroStd,
        };

    private static FeatureSegment Tags(int count) =>
        new(FeatureSegmentNames.TagVector, count, FeatureSegmentTypes.BagOfWords) { Payload = "tags", Vocabulary = "vocab_tag.json" };

    private static FeatureSegment Performers(int count) =>
        new(FeatureSegmentNames.ActressVector, count, FeatureSegmentTypes.BagOfWords) { Payload = "performers", Vocabulary = "vocab_actress.json" };

    private static FeatureSegment History(string name, int half, double smoothing, string payload) =>
        new(name, half, FeatureSegmentTypes.PooledHistory, Smoothing: smoothing)
        {
            Payload = payload,
            Counts = ["history.likes", "history.nopes"],
            LeastDivisor = PooledHistory.LeastDivisor,
        };

    private static FeatureSchema Create(string inputName, int embeddingDim, IReadOnlyList<FeatureSegment> segments, string version = "v2") =>
        new(version, inputName, segments.Sum(segment => segment.Size), embeddingDim, segments);
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectRequiredConstructorParameters = true,
    WriteIndented = true,
    NewLine = "\n")]
[JsonSerializable(typeof(FeatureSchema))]
internal sealed partial class FeatureSchemaJson : JsonSerializerContext;
