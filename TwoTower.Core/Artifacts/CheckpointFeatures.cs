using TwoTower.Core.Features;

namespace TwoTower.Core.Artifacts;

/// <summary>How the features of a checkpoint's towers are laid out, and the encoders for them.</summary>
/// <param name="UserSchema">Input of the user tower.</param>
/// <param name="ItemSchema">Input of the item tower, and of the history tower where there is one.</param>
/// <param name="User">Encodes users.</param>
/// <param name="Item">Encodes items.</param>
internal sealed record CheckpointFeatures(FeatureSchema UserSchema, FeatureSchema ItemSchema, FeatureEncoder User, FeatureEncoder Item)
{
    /// <summary>Of a checkpoint.</summary>
    public static CheckpointFeatures Of(Checkpoint checkpoint)
    {
        var state = checkpoint.Pipeline;
        var (tagCount, performerCount, dim) = (state.TagTokens.Count, state.PerformerTokens.Count, checkpoint.User.EmbeddingDim);
        var history = checkpoint.History;
        var users = history is null
            ? FeatureSchema.ForUsers(tagCount, performerCount, dim)
            : FeatureSchema.ForHistories(history.Half, checkpoint.Recipe.History.Smoothing, dim);
        var items = history is null
            ? FeatureSchema.ForItems(tagCount, performerCount, dim, state.VideoFeatures)
            : FeatureSchema.ForKnownItems(tagCount, performerCount, history.Ids.Dim, dim, state.VideoFeatures);
        var (tags, performers) = (new Vocabulary(state.TagTokens), new Vocabulary(state.PerformerTokens));
        return new(
            users, items,
            new(FeatureSide.User, users, state.UserNumeric, tags, performers, state.ReferenceReleasedAt),
            new(FeatureSide.Item, items, state.ItemNumeric, tags, performers, state.ReferenceReleasedAt, history?.Ids,
                state.VideoFeatures));
    }
}
