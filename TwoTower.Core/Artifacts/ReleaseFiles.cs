using System.Text.Json;
using TwoTower.Core.Configuration;
using TwoTower.Core.Features;

namespace TwoTower.Core.Artifacts;

/// <summary>Turns a checkpoint into the files of a release (contract, section 7). Pure: the same checkpoint gives the same bytes but for
/// the date.</summary>
internal static class ReleaseFiles
{
    /// <summary>Builds the files, ordered by path: both towers, both schemas, normaliser, vocabularies, probes.json, model_meta.json,
    /// metrics.json.</summary>
    /// <param name="checkpoint">What the training left.</param>
    /// <param name="exportedAt">Goes into model_meta.json as <c>exported_at</c>, to the microsecond.</param>
    /// <exception cref="InputException">The towers don't fit the pipeline or each other.</exception>
    public static IReadOnlyList<ReleaseFile> Build(Checkpoint checkpoint, DateTimeOffset exportedAt)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);
        var state = checkpoint.Pipeline;
        var dim = checkpoint.User.EmbeddingDim;
        var (users, items, _, _) = CheckpointFeatures.Of(checkpoint);
        Check("user", checkpoint.User, users);
        Check("item", checkpoint.Item, items);
        var meta = new ModelMeta
        {
            ExportedAt = new DateTimeOffset(exportedAt.UtcTicks - exportedAt.UtcTicks % TimeSpan.TicksPerMicrosecond, TimeSpan.Zero),
            EmbeddingDim = dim,
            UserFeatureDim = users.InputDim,
            ItemFeatureDim = items.InputDim,
            TagVocabSize = state.TagTokens.Count,
            ActressVocabSize = state.PerformerTokens.Count,
            ReferenceReleasedAt = state.ReferenceReleasedAt,
            Config = JsonElement.Parse(RecipeReader.ToJson(checkpoint.Recipe)),
        };
        meta = meta with { Ranking = new() { ReRank = meta.ReRanks } };

        ReleaseFile[] files =
        [
            new(ArtifactNames.FeatureSchema, users.ToJson()),
            new(ArtifactNames.ItemFeatureSchema, items.ToJson()),
            new(ArtifactNames.ItemTower, OnnxTowerWriter.Write(checkpoint.Item, items.InputName, "item_embedding")),
            new(ArtifactNames.Metrics, BundleJson.Write(checkpoint.Training)),
            new(ArtifactNames.ModelMeta, meta.ToJson()),
            new(ArtifactNames.Normalizer, BundleJson.Write(Normalizer(state))),
            new(ArtifactNames.Probes, ProbeSet.Make(checkpoint).ToJson()),
            new(ArtifactNames.UserTower, OnnxTowerWriter.Write(checkpoint.User, users.InputName, "user_embedding")),
            new(ArtifactNames.ActressVocabulary, BundleJson.Write(new FeatureFiles.VocabularyFile(state.PerformerTokens))),
            new(ArtifactNames.TagVocabulary, BundleJson.Write(new FeatureFiles.VocabularyFile(state.TagTokens))),
            .. checkpoint.History is { } history ? Of(history, items) : [],
            .. checkpoint.Calibration is { } calibration
                ? [new ReleaseFile(ArtifactNames.Calibration, calibration.ToJson())] : Array.Empty<ReleaseFile>(),
        ];
        return [.. files.OrderBy(file => file.Path, StringComparer.Ordinal)];
    }

    private static ReleaseFile[] Of(HistoryModel history, FeatureSchema items)
    {
        using var ids = new MemoryStream();
        history.Ids.ToFile().Write(ids);
        return
        [
            new(ArtifactNames.HistoryTower, OnnxTowerWriter.Write(history.Tower, items.InputName, "history_embedding", normalize: false)),
            new(ArtifactNames.ItemIds, ids.ToArray()),
        ];
    }

    private static FeatureFiles.Normalizer Normalizer(PipelineState state) => new(
        Moments(state.UserNumeric), Moments(state.ItemNumeric),
        state.VideoFeatures is { } vectors
            ? new OrderedDictionary<string, FeatureFiles.VectorMoments>(
                vectors.Select(v => KeyValuePair.Create(v.Name, new FeatureFiles.VectorMoments(v.Mean, v.Std))))
            : null);

    // An ordered dictionary: the file has the numerics in vector order.
    private static OrderedDictionary<string, FeatureFiles.Moments> Moments(IReadOnlyList<NumericStandardizer> numerics) =>
        new(numerics.Select(n => KeyValuePair.Create(n.Name, new FeatureFiles.Moments(n.Mean, n.Std))));

    private static void Check(string side, TowerWeights tower, FeatureSchema schema)
    {
        if (tower.InputDim != schema.InputDim || tower.EmbeddingDim != schema.EmbeddingDim)
        {
            throw new InputException(
                $"The checkpoint's {side} tower is {tower.InputDim} → {tower.EmbeddingDim}, " +
                $"its feature pipeline and the other tower need {schema.InputDim} → {schema.EmbeddingDim}: the checkpoint is damaged.");
        }
    }
}
