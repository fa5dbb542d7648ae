using TwoTower.Evaluation.Evaluators;
using TwoTower.Evaluation.Queries;

namespace TwoTower.Evaluation.Results;

/// <summary>A number of one query whose mean over the users is reported.</summary>
/// <param name="Name">Key in JSON: <c>recall_20</c>.</param>
/// <param name="Title">As tables show it: <c>recall@20</c>.</param>
/// <param name="Of">The number; null where it has none.</param>
internal sealed record Measure(string Name, string Title, Func<QueryResult, double?> Of);

/// <summary>Every measure, in the order of tables.</summary>
internal static class Measures
{
    /// <summary>The measures of one query.</summary>
    public static readonly IReadOnlyList<Measure> All =
    [
        new("recall_20", "recall@20", result => result.Recall20),
        new("recall_50", "recall@50", result => result.Recall50),
        new("ndcg_100", "ndcg@100", result => result.Ndcg100),
        new("uauc", "uAUC", result => result.UAuc),
        new("nope_20", "nope@20", result => result.Nope20),
        new("diversity_20", "diversity@20", result => result.Diversity),
        new("novelty_20", "novelty@20, bits", result => result.Novelty),
        new("maker_share_20", "largest maker's share@20", result => result.MakerShare),
    ];

    /// <summary>Share of the ranked items in anyone's first 20: of all answers together, so without an interval.</summary>
    public const string Coverage = "coverage_20";

    /// <summary>Recall@20 of the targets of one bucket of <see cref="Buckets.Popularity"/>.</summary>
    public static Measure RecallOfBucket(int bucket) =>
        new($"recall_20_{bucket}", $"recall@20, {Buckets.Popularity[bucket]}", result => result.RecallByPopularity[bucket]);
}
