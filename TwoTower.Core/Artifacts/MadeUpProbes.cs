using TwoTower.Core.Features;

namespace TwoTower.Core.Artifacts;

/// <summary>
/// Inputs made up from a pipeline's fitted numbers: every numeric around its mean, tokens from all over the vocabularies. Which ones is a
/// matter of arithmetic, not of chance: the same pipeline gives the same.
/// </summary>
internal static class MadeUpProbes
{
    // Coprime steps walk through both vocabularies, the rare tokens too.
    private const int TagStep = 7, PerformerStep = 5;

    public static IReadOnlyList<UserPayload> Users(PipelineState pipeline, int count) => [.. Enumerable.Range(0, count).Select(i =>
    {
        double Numeric(int index) => Math.Max(0, Around(pipeline.UserNumeric[index], i + index));
        var likes = (int)Numeric(4);
        var nopes = (int)Numeric(5);
        return new UserPayload(
            Id(1, i),
            new(pipeline.AsOf - Days(Numeric(0))),
            new(likes, nopes, likes + nopes, likes == 0 ? null : pipeline.AsOf - Days(Numeric(7)), i * 23.0 / count),
            new(Numeric(1), Numeric(2)),
            Tokens(pipeline.TagTokens, i, TagStep),
            Tokens(pipeline.PerformerTokens, i, PerformerStep));
    })];

    public static IReadOnlyList<ItemPayload> Items(PipelineState pipeline, int count) => [.. Enumerable.Range(0, count).Select(i =>
    {
        double Numeric(int index) => Math.Max(0, Around(pipeline.ItemNumeric[index], i + index));
        return new ItemPayload(
            Id(2, i), Numeric(0), (int)Numeric(2), pipeline.ReferenceReleasedAt - Days(Numeric(1)), null, 0, [],
            Tokens(pipeline.TagTokens, i, TagStep), Tokens(pipeline.PerformerTokens, i, PerformerStep))
        {
            VideoFeatures = Vectors(pipeline.VideoFeatures, i),
        };
    })];

    /// <summary>Sums of histories that nobody has: a small whole-number pattern, another for each probe; the first probe has
    /// none.</summary>
    public static PooledHistory History(int half, int i) => i == 0 ? PooledHistory.Empty : new(
        i, i / 2,
        [.. Enumerable.Range(0, half).Select(k => ((i * TagStep + k) % 9 - 4) / 4f)],
        i < 2 ? [] : [.. Enumerable.Range(0, half).Select(k => ((i * PerformerStep + k) % 7 - 3) / 4f)]);

    // Every third video has none.
    private static Dictionary<string, float[]>? Vectors(IReadOnlyList<VectorStandardizer>? standardizers, int i) => i % 3 == 2
        ? null
        : standardizers?.ToDictionary(
            s => s.Name, s => s.Mean.Select((mean, k) => (float)(mean + ((i + k) % 5 - 2) * s.Std / Math.Sqrt(s.Dim))).ToArray());

    // Two deviations to either side, in fifths.
    private static double Around(NumericStandardizer numeric, int i) => numeric.Mean + (i % 5 - 2) * numeric.Std;

    // Whole seconds, and no more of them than a calendar has.
    private static TimeSpan Days(double days) => TimeSpan.FromSeconds(Math.Floor(Math.Min(days, 20_000) * 86_400));

    private static string[] Tokens(IReadOnlyList<string> vocabulary, int i, int step) =>
        vocabulary.Count == 0 ? [] : [.. Enumerable.Range(0, 1 + i % 6).Select(k => vocabulary[(i * step + k * k) % vocabulary.Count])];

    private static Guid Id(int kind, int i) => new($"00000000-0000-{kind:x4}-8000-{i:x12}");
}
