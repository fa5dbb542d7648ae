using TwoTower.Core.Configuration;

namespace TwoTower.Core.Features;

/// <summary>
/// The fitted feature pipeline of a model: vocabularies, standardisers and the reference release, and the vectors that follow from
/// them (contract, section 3). Immutable and thread-safe; restored from its <see cref="State"/> it gives the same vectors exactly.
/// </summary>
public sealed class FeaturePipeline
{
    private readonly FeatureEncoder _user;
    private readonly FeatureEncoder _item;

    /// <summary>Restores a pipeline.</summary>
    public FeaturePipeline(PipelineState state)
    {
        State = state;
        var tags = new Vocabulary(state.TagTokens);
        var performers = new Vocabulary(state.PerformerTokens);
        _user = new(FeatureSide.User, UserSchema(1), state.UserNumeric, tags, performers, state.ReferenceReleasedAt);
        _item = new(
            FeatureSide.Item, ItemSchema(1), state.ItemNumeric, tags, performers, state.ReferenceReleasedAt, null, state.VideoFeatures);
    }

    /// <summary>Everything that was fitted.</summary>
    public PipelineState State { get; }

    /// <summary>Length of a user vector.</summary>
    public int UserDim => _user.Dim;

    /// <summary>Length of an item vector.</summary>
    public int ItemDim => _item.Dim;

    /// <summary>Dense columns at the head of a user vector: 8 numerics and the hour.</summary>
    public static int UserDenseDim => NumericFeatures.UserNames.Count + 1;

    /// <summary>Dense columns at the head of an item vector: 3 numerics, and the vectors from elsewhere with a flag each.</summary>
    public int ItemDenseDim => NumericFeatures.ItemNames.Count + (State.VideoFeatures ?? []).Sum(vector => vector.Dim + 1);

    /// <summary>Fits a pipeline.</summary>
    /// <param name="options">Vocabulary limits, and which vectors from elsewhere.</param>
    /// <param name="allItems">Every video of the data set: vocabularies and the reference release come from them.</param>
    /// <param name="fitUsers">The distinct users that the standardisers are fitted on.</param>
    /// <param name="fitItems">The distinct videos that the standardisers are fitted on.</param>
    /// <param name="asOf">Time that ages are counted to: the latest decision.</param>
    /// <param name="warn">Told when a vocabulary comes out empty, and why.</param>
    /// <exception cref="InputException">No videos, nobody to fit on, or no vectors of a name that the options have.</exception>
    public static FeaturePipeline Fit(
        FeatureOptions options, IReadOnlyCollection<ItemPayload> allItems, IEnumerable<UserPayload> fitUsers,
        IEnumerable<ItemPayload> fitItems, DateTimeOffset asOf, Action<string>? warn = null)
    {
        if (allItems.Count == 0) throw new InputException("There are no videos to fit features on: the table videos is empty. Import some first.");

        var reference = allItems.Max(item => item.ProductReleasedAt);
        var tags = Vocabulary.Fit(allItems.Select(item => item.Tags), options.MaxTagVocab, options.MinTagFreq);
        var performers = Vocabulary.Fit(allItems.Select(item => item.Performers), options.MaxActressVocab, options.MinActressFreq);
        WarnIfEmpty(tags, "tag", options.MaxTagVocab, "max_tag_vocab", options.MinTagFreq, "min_tag_freq", allItems.Count, warn);
        WarnIfEmpty(
            performers, "performer", options.MaxActressVocab, "max_actress_vocab", options.MinActressFreq, "min_actress_freq",
            allItems.Count, warn);

        ItemPayload[] fitted = [.. fitItems];
        return new(new(
            tags.Tokens,
            performers.Tokens,
            StandardizerFit.Fit(NumericFeatures.UserNames, [.. fitUsers.Select(user => RawUser(user, asOf))]),
            StandardizerFit.Fit(NumericFeatures.ItemNames, [.. fitted.Select(item => RawItem(item, reference))]),
            reference,
            asOf)
        {
            VideoFeatures = options.VideoFeatures is { } names ? [.. names.Select(name => VectorStandardizer.Fit(name, fitted))] : null,
        });
    }

    /// <summary>The user numerics before standardising, [8], in the order of <see cref="NumericFeatures.UserNames"/>.</summary>
    public static double[] RawUser(UserPayload payload, DateTimeOffset asOf)
    {
        var raw = new double[NumericFeatures.UserNames.Count];
        for (var i = 0; i < raw.Length; i++) raw[i] = NumericFeatures.User(i, payload, asOf);
        return raw;
    }

    /// <summary>The item numerics before standardising, [3], in the order of <see cref="NumericFeatures.ItemNames"/>.</summary>
    public static double[] RawItem(ItemPayload payload, DateTimeOffset? reference)
    {
        var raw = new double[NumericFeatures.ItemNames.Count];
        for (var i = 0; i < raw.Length; i++) raw[i] = NumericFeatures.Item(i, payload, reference);
        return raw;
    }

    /// <summary>The user tower's <c>feature_schema.json</c>.</summary>
    public FeatureSchema UserSchema(int embeddingDim) =>
        FeatureSchema.ForUsers(State.TagTokens.Count, State.PerformerTokens.Count, embeddingDim);

    /// <summary>The item tower's <c>item_feature_schema.json</c>.</summary>
    public FeatureSchema ItemSchema(int embeddingDim) =>
        FeatureSchema.ForItems(State.TagTokens.Count, State.PerformerTokens.Count, embeddingDim, State.VideoFeatures);

    /// <summary>Writes a user's vector. <paramref name="destination"/>: [UserDim], overwritten.</summary>
    public void EncodeUser(UserPayload payload, DateTimeOffset asOf, Span<float> destination) => _user.Encode(payload, asOf, destination);

    /// <summary>Writes an item's vector. <paramref name="destination"/>: [ItemDim], overwritten.</summary>
    public void EncodeItem(ItemPayload payload, Span<float> destination) => _item.Encode(payload, destination);

    /// <summary>The vectors of users, dense head and sparse tail.</summary>
    public FeatureMatrix EncodeUsers(IReadOnlyList<UserPayload> payloads, DateTimeOffset asOf)
    {
        var builder = new FeatureMatrixBuilder(payloads.Count, UserDenseDim, UserDim - UserDenseDim);
        foreach (var payload in payloads)
        {
            EncodeUser(payload, asOf, builder.Row);
            builder.AddRow();
        }

        return builder.ToMatrix();
    }

    /// <summary>The vectors of items, dense head and sparse tail.</summary>
    public FeatureMatrix EncodeItems(IReadOnlyList<ItemPayload> payloads)
    {
        var builder = new FeatureMatrixBuilder(payloads.Count, ItemDenseDim, ItemDim - ItemDenseDim);
        foreach (var payload in payloads)
        {
            EncodeItem(payload, builder.Row);
            builder.AddRow();
        }

        return builder.ToMatrix();
    }

    // An empty vocabulary is a model without that feature, not an error: MovieLens has no performers.
    private static void WarnIfEmpty(
        Vocabulary vocabulary, string what, int max, string maxKey, int min, string minKey, int videos, Action<string>? warn)
    {
        if (vocabulary.Tokens.Count > 0) return;
        warn?.Invoke(max == 0
            ? $"The {what} vocabulary is empty because {maxKey} is 0: the model knows no {what}s."
            : $"The {what} vocabulary is empty: no {what} is on {min} or more of the {videos} videos ({minKey}); the model knows no {what}s.");
    }
}
