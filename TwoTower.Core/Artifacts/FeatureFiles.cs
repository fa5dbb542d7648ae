using System.Text.Json.Serialization;
using TwoTower.Core.Features;
using TwoTower.Core.Formats;

namespace TwoTower.Core.Artifacts;

/// <summary>The JSON files that say how features become numbers, read together: layout, standardisers, vocabularies, reference
/// release.</summary>
internal static class FeatureFiles
{
    /// <summary>Reads the encoder of one side.</summary>
    /// <exception cref="InputException">A file is missing or unreadable, or they don't fit together; names the file.</exception>
    public static FeatureEncoder ReadEncoder(ReleaseFileSet files, FeatureSide side)
    {
        var schemaFile = side == FeatureSide.User ? ArtifactNames.FeatureSchema : ArtifactNames.ItemFeatureSchema;
        return Named(files, schemaFile, () =>
        {
            var normalizer = BundleJson.Read<Normalizer>(files[ArtifactNames.Normalizer], ArtifactNames.Normalizer);
            var numerics = side == FeatureSide.User ? normalizer.UserNumeric : normalizer.ItemNumeric;
            return new FeatureEncoder(
                side,
                FeatureSchema.Parse(files[schemaFile], schemaFile),
                (numerics ?? new Dictionary<string, Moments>()).Select(n => new NumericStandardizer(n.Key, n.Value.Mean, n.Value.Std)),
                ReadVocabulary(files, ArtifactNames.TagVocabulary),
                ReadVocabulary(files, ArtifactNames.ActressVocabulary),
                ReadMeta(files).ReferenceReleasedAt,
                side == FeatureSide.Item && files.TryGet(ArtifactNames.ItemIds, out _) ? ReadIds(files) : null,
                [.. (normalizer.VideoFeatures ?? new Dictionary<string, VectorMoments>()).Select(
                    v => new VectorStandardizer(v.Key, v.Value.Mean, v.Value.Std))]);
        });
    }

    /// <summary>The videos' own vectors.</summary>
    public static ItemIds ReadIds(ReleaseFileSet files) =>
        Named(files, ArtifactNames.ItemIds, () => ItemIds.Parse(SafetensorsFile.Parse(files[ArtifactNames.ItemIds])));

    public static Vocabulary ReadVocabulary(ReleaseFileSet files, string path) =>
        Named(files, path, () => new Vocabulary(BundleJson.Read<VocabularyFile>(files[path], path).Tokens));

    /// <summary>What makes probabilities of scores; null where the release has no such file.</summary>
    public static LikeCalibration? ReadCalibration(ReleaseFileSet files) =>
        files.TryGet(ArtifactNames.Calibration, out var json) ? LikeCalibration.Parse(json, $"{files.Name}, {ArtifactNames.Calibration}") : null;

    public static ModelMeta ReadMeta(ReleaseFileSet files) => ModelMeta.Parse(files[ArtifactNames.ModelMeta], ArtifactNames.ModelMeta);

    // The message below says what; this says whose, unless it says so already.
    private static T Named<T>(ReleaseFileSet files, string path, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (InputException e) when (!e.Message.StartsWith(files.Name, StringComparison.Ordinal))
        {
            throw new InputException($"{files.Name}, {path}: {e.Message}", e);
        }
    }

    /// <summary><c>normalizer.json</c>.</summary>
    internal sealed record Normalizer(
        IReadOnlyDictionary<string, Moments> UserNumeric, IReadOnlyDictionary<string, Moments>? ItemNumeric = null,
        [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyDictionary<string, VectorMoments>? VideoFeatures =
            null);

    /// <summary>Mean and population standard deviation of a numeric.</summary>
    internal sealed record Moments(double Mean, double Std);

    /// <summary>Mean of each column of a vector, and the root mean square length of what is left.</summary>
    internal sealed record VectorMoments(IReadOnlyList<double> Mean, double Std);

    /// <summary><c>vocab_*.json</c>.</summary>
    internal sealed record VocabularyFile(IReadOnlyList<string> Tokens);
}
