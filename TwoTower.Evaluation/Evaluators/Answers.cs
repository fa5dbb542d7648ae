using TwoTower.Core.Artifacts;

namespace TwoTower.Evaluation.Evaluators;

/// <summary>How one model answered every query of a protocol, by one seed.</summary>
/// <param name="IsRecipe">Whether it is a recipe.</param>
/// <param name="IsReRanked">Whether the order is the re-ranked one.</param>
/// <param name="Seed">The seed; null for a model that has none.</param>
/// <param name="BySplit">[splits][queries], in their order.</param>
/// <param name="FitTime">To learn, all splits together: from tables to a model that answers.</param>
/// <param name="Curves">[splits] learning curves; null for a model without epochs.</param>
internal sealed record Answers(
    string Model, bool IsRecipe, bool IsReRanked, int? Seed, IReadOnlyList<IReadOnlyList<QueryResult>> BySplit, TimeSpan FitTime,
    IReadOnlyList<TrainingSummary?> Curves);
