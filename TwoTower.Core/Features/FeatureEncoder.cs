using System.Globalization;
using System.Numerics.Tensors;

namespace TwoTower.Core.Features;

/// <summary>
/// Turns payloads into the vectors of one side, driven by a <see cref="FeatureSchema"/>: the single place where features become
/// numbers, in training, embedding and serving, for our own releases and for bundles of other programs. Immutable and thread-safe.
/// </summary>
internal sealed class FeatureEncoder
{
    private readonly List<Step> _steps = [];
    private readonly FeatureSide _side;
    private readonly DateTimeOffset? _reference;
    private readonly ItemIds? _ids;
    private readonly IReadOnlyList<VectorStandardizer> _vectors;

    /// <summary>Binds a schema to its fitted numbers.</summary>
    /// <param name="side">Whose vectors the schema describes.</param>
    /// <param name="schema">The layout.</param>
    /// <param name="standardizers">A standardiser for each numeric that the schema names.</param>
    /// <param name="tags">Tag vocabulary.</param>
    /// <param name="performers">Performer vocabulary.</param>
    /// <param name="reference">Release that item recency is counted from; null gives every recency 0.</param>
    /// <param name="ids">The videos' own vectors, for a schema with an <c>id_embedding</c>.</param>
    /// <param name="videoFeatures">A standardiser for each <c>video_feature</c> of the schema.</param>
    /// <exception cref="InputException">A segment's type, name, feature, range or size isn't one that this program knows.</exception>
    public FeatureEncoder(
        FeatureSide side, FeatureSchema schema, IEnumerable<NumericStandardizer> standardizers,
        Vocabulary tags, Vocabulary performers, DateTimeOffset? reference, ItemIds? ids = null,
        IReadOnlyList<VectorStandardizer>? videoFeatures = null)
    {
        _side = side;
        _reference = reference;
        _ids = ids;
        _vectors = videoFeatures ?? [];
        Schema = schema;
        VideoFeatures =
            [.. schema.Segments.Where(segment => segment.Type == FeatureSegmentTypes.VideoFeature).Select(segment => segment.Name)];
        var byName = standardizers.ToDictionary(standardizer => standardizer.Name, StringComparer.Ordinal);
        var start = 0;
        foreach (var segment in schema.Segments)
        {
            _steps.Add(new(start, segment.Size, Bind(segment, byName, tags, performers)));
            start += segment.Size;
        }
    }

    private delegate void Fill(in Source source, Span<float> destination);

    /// <summary>The layout.</summary>
    public FeatureSchema Schema { get; }

    /// <summary>Length of a vector.</summary>
    public int Dim => Schema.InputDim;

    /// <summary>Names of the vectors from elsewhere that it reads from an item's payload.</summary>
    public IReadOnlyList<string> VideoFeatures { get; }

    /// <summary>Writes a user's vector.</summary>
    /// <param name="payload">The user's statistics.</param>
    /// <param name="asOf">Time that ages are counted to.</param>
    /// <param name="destination">[Dim]; overwritten.</param>
    public void Encode(UserPayload payload, DateTimeOffset asOf, Span<float> destination)
    {
        if (_side != FeatureSide.User) throw new InvalidOperationException("This encoder is for items; a user was given.");
        Encode(new Source(payload, null, asOf), destination);
    }

    /// <summary>Writes an item's vector.</summary>
    /// <param name="payload">The video.</param>
    /// <param name="destination">[Dim]; overwritten.</param>
    public void Encode(ItemPayload payload, Span<float> destination)
    {
        if (_side != FeatureSide.Item) throw new InvalidOperationException("This encoder is for users; an item was given.");
        Encode(new Source(null, payload, default), destination);
    }

    private void Encode(in Source source, Span<float> destination)
    {
        destination[..Dim].Clear();
        foreach (var step in _steps) step.Fill(source, destination.Slice(step.Start, step.Size));
    }

    private Fill Bind(
        FeatureSegment segment, Dictionary<string, NumericStandardizer> standardizers, Vocabulary tags, Vocabulary performers) =>
        segment.Type switch
        {
            FeatureSegmentTypes.StandardScore => BindNumeric(segment, standardizers),
            FeatureSegmentTypes.ScaledBucket => BindHour(segment),
            FeatureSegmentTypes.BagOfWords => BindBagOfWords(segment, tags, performers),
            FeatureSegmentTypes.PooledHistory => BindHistory(segment),
            FeatureSegmentTypes.IdEmbedding => BindId(segment),
            FeatureSegmentTypes.VideoFeature => BindVideoFeature(segment),
            _ => throw Refuse(
                segment,
                $"its type '{segment.Type}' is none of standard_score, scaled_bucket, l2_normalized_bow, pooled_history, id_embedding, video_feature"),
        };

    private Fill BindNumeric(FeatureSegment segment, Dictionary<string, NumericStandardizer> standardizers)
    {
        var features = segment.Features ?? throw Refuse(segment, "it names no features");
        CheckSize(segment, features.Count, "features");
        var names = NumericFeatures.Names(_side);
        var columns = new (int Index, double Mean, double Std)[features.Count];
        for (var i = 0; i < columns.Length; i++)
        {
            var index = IndexOf(names, features[i]);
            if (index < 0)
            {
                throw Refuse(segment, $"the {Side} feature '{features[i]}' isn't known; known are {string.Join(", ", names)}");
            }

            if (!standardizers.TryGetValue(features[i], out var fitted))
            {
                throw Refuse(segment, $"the normaliser has no mean and std for '{features[i]}'");
            }

            if (!double.IsFinite(fitted.Mean) || !double.IsFinite(fitted.Std) || fitted.Std < 0)
            {
                throw Refuse(segment, $"the normaliser of '{features[i]}' has mean {fitted.Mean} and std {fitted.Std}");
            }

            columns[i] = (index, fitted.Mean, fitted.Std == 0 ? NumericFeatures.ZeroStd : fitted.Std);
        }

        return (in Source source, Span<float> destination) =>
        {
            for (var i = 0; i < columns.Length; i++)
            {
                var (index, mean, std) = columns[i];
                var raw = source.User is { } user
                    ? NumericFeatures.User(index, user, source.AsOf)
                    : NumericFeatures.Item(index, source.Item!, _reference);
                destination[i] = (float)((raw - mean) / std);
            }
        };
    }

    private Fill BindHour(FeatureSegment segment)
    {
        if (_side != FeatureSide.User || segment.Name != FeatureSegmentNames.HourOfDay)
        {
            throw Refuse(segment, $"the only scaled_bucket is 'hour_of_day' of a user, this one is of {Side}");
        }

        CheckSize(segment, 1, "column");
        if (segment.Range is { } range && !(range is [0.0, 1.0]))
        {
            throw Refuse(segment, $"its range is [{string.Join(", ", range)}]; only [0, 1] is known");
        }

        return static (in Source source, Span<float> destination) =>
            destination[0] = (float)(source.User!.DecisionStats.AverageLikeHour / NumericFeatures.LastHour);
    }

    private static Fill BindBagOfWords(FeatureSegment segment, Vocabulary tags, Vocabulary performers)
    {
        switch (segment.Name)
        {
            case FeatureSegmentNames.TagVector:
                CheckSize(segment, tags.Tokens.Count, "tokens in its vocabulary");
                return (in Source source, Span<float> destination) =>
                    tags.Encode(source.User?.Tags ?? source.Item!.Tags, destination);
            case FeatureSegmentNames.ActressVector:
                CheckSize(segment, performers.Tokens.Count, "tokens in its vocabulary");
                return (in Source source, Span<float> destination) =>
                    performers.Encode(source.User?.Performers ?? source.Item!.Performers, destination);
            default:
                throw Refuse(segment, "a bag of words is either 'tag_vector' or 'actress_vector'");
        }
    }

    private Fill BindHistory(FeatureSegment segment)
    {
        var liked = segment.Name == FeatureSegmentNames.LikedHistory;
        if (_side != FeatureSide.User || (!liked && segment.Name != FeatureSegmentNames.NopedHistory))
        {
            throw Refuse(segment, $"a pooled_history is 'liked_history' or 'noped_history' of a user, this one is of {Side}");
        }

        var smoothing = segment.Smoothing is >= 0 and <= 1e9 and var given
            ? given : throw Refuse(segment, $"its smoothing is {segment.Smoothing?.ToString(CultureInfo.InvariantCulture) ?? "missing"}; 0 or more was expected");
        var size = segment.Size;
        return (in Source source, Span<float> destination) =>
        {
            var history = source.User!.History ?? throw new InputException(
                $"The user features have no history, which the segment {segment.Name} needs: ask get_user_embedding_features for this model_version.");
            var sum = liked ? history.Liked : history.Noped;
            if (sum.Length == 0) return; // nothing decided, or nothing that the release knows
            if (sum.Length != size) throw new InputException($"The user features' {segment.Name} has {sum.Length} numbers, the feature schema says {size}: they are of another release.");
            TensorPrimitives.Divide(
                sum, (float)Math.Max(PooledHistory.LeastDivisor, history.Likes + history.Nopes + smoothing), destination);
        };
    }

    private Fill BindId(FeatureSegment segment)
    {
        if (_side != FeatureSide.Item) throw Refuse(segment, "an id_embedding is of an item, this one is of user");
        var ids = _ids ?? throw Refuse(segment, "the release has no item_ids.safetensors");
        CheckSize(segment, ids.Dim, "numbers in a row of item_ids.safetensors");
        return (in Source source, Span<float> destination) => ids.Read(source.Item!.VideoId, destination);
    }

    private Fill BindVideoFeature(FeatureSegment segment)
    {
        if (_side != FeatureSide.Item) throw Refuse(segment, "a video_feature is of an item, this one is of user");
        var (name, mean, std) = _vectors.FirstOrDefault(vector => vector.Name == segment.Name)
            ?? throw Refuse(segment, "the normaliser has no video_features of that name");
        CheckSize(segment, mean.Count + 1, "numbers in its mean and the one that says whether there is a vector");
        if (!(std > 0 && double.IsFinite(std)) || !mean.All(double.IsFinite)) throw Refuse(segment, $"the normaliser's mean isn't finite, or its std is {std}");
        return (in Source source, Span<float> destination) =>
        {
            if (source.Item!.VideoFeatures?.TryGetValue(name, out var vector) != true) return;
            if (vector!.Length != mean.Count)
            {
                throw new InputException(
                    $"Video {source.Item.VideoId} has a vector '{name}' of {vector.Length} numbers, the model was trained with {mean.Count}: "
                    + "restore vectors of that length in two_tower.video_features, or train again.");
            }

            for (var i = 0; i < vector.Length; i++) destination[i] = (float)((vector[i] - mean[i]) / std);
            destination[^1] = 1;
        };
    }

    private string Side => _side == FeatureSide.User ? "user" : "item";

    private static int IndexOf(IReadOnlyList<string> names, string name)
    {
        for (var i = 0; i < names.Count; i++)
        {
            if (names[i] == name) return i;
        }

        return -1;
    }

    private static void CheckSize(FeatureSegment segment, int expected, string what)
    {
        if (segment.Size != expected) throw Refuse(segment, $"its size is {segment.Size}, but there are {expected} {what}");
    }

    private static InputException Refuse(FeatureSegment segment, string reason) =>
        new($"The feature schema's segment '{segment.Name}' can't be used: {reason}.");

    private readonly record struct Source(UserPayload? User, ItemPayload? Item, DateTimeOffset AsOf);

    private readonly record struct Step(int Start, int Size, Fill Fill);
}
