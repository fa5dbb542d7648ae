namespace TwoTower.Evaluation.Results;

/// <summary>A metric as tables show it.</summary>
/// <param name="Name">Key in JSON.</param>
/// <param name="Title">Head of the column.</param>
/// <param name="Better">1: more is better; −1: less is; 0: neither, it describes.</param>
/// <param name="Meaning">In one sentence.</param>
internal sealed record MetricColumn(string Name, string Title, string Format, int Better, string Meaning)
{
    public static readonly IReadOnlyList<MetricColumn> All =
    [
        new("recall_20", "recall@20", "0.000", 1, "Share of the likes to be found that are among the first 20, or of 20 where there are more."),
        new("recall_50", "recall@50", "0.000", 1, "The same among the first 50."),
        new("ndcg_100", "ndcg@100", "0.000", 1, "How far up the likes stand among the first 100; 1 is all of them at the head."),
        new("uauc", "uAUC", "0.000", 1, "How often a like is scored above a nope of the same user; 0.5 is chance."),
        new("nope_20", "nope@20", "0.0000", -1, "Share of the first 20 places that hold a video which the user said no to."),
        new(Measures.Coverage, "coverage@20", "0.000", 1, "Share of the ranked videos that are among anyone's first 20."),
        new("diversity_20", "diversity", "0.000", 0, "1 less the mean likeness in content of two of the first 20."),
        new("novelty_20", "novelty", "0.00", 0, "How rarely the first 20 are liked by others, in bits."),
        new("maker_share_20", "maker", "0.000", 0, "Share of the most frequent maker among the first 20."),
    ];

    /// <summary>An estimate, with its interval on a line of its own where there is one and it is wanted.</summary>
    public string Show(Estimate value, bool interval) => interval && value is { Low: { } low, High: { } high }
        ? $"{Show(value.Mean)}\n[{Show(low)}, {Show(high)}]"
        : Show(value.Mean);

    // A difference that rounds to nothing has no sign.
    private string Show(double value) => value.ToString($"{Format};-{Format};{Format}");
}
