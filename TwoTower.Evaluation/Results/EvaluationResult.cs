using System.Text.Json.Serialization;
using TwoTower.Evaluation.Queries;

namespace TwoTower.Evaluation.Results;

/// <summary>A mean and what bounds it.</summary>
/// <param name="Mean">Over users and seeds.</param>
/// <param name="Low">2.5 % of the bootstrap; null where there is none.</param>
/// <param name="High">97.5 %.</param>
internal sealed record Estimate(double Mean, double? Low = null, double? High = null);

/// <summary>Everything that an evaluation found out.</summary>
/// <param name="Splits">What was asked of everybody.</param>
/// <param name="Models">Who answered how.</param>
internal sealed record EvaluationResult(IReadOnlyList<SplitSummary> Splits, IReadOnlyList<ModelResult> Models);

/// <summary>The size of a split.</summary>
/// <param name="TrainingUsers">Users to learn from.</param>
/// <param name="TrainingDecisions">Rows to learn from.</param>
/// <param name="RankedItems">Items that are ranked.</param>
/// <param name="WithoutHistory">Those with an empty history.</param>
/// <param name="Targets">Likes to find.</param>
/// <param name="HeldOutNopes">Nopes to stay clear of.</param>
/// <param name="AsOf">The moment of the requests.</param>
internal sealed record SplitSummary(
    string Name, [property: JsonPropertyName("training_viewers")] int TrainingUsers, int TrainingDecisions, int RankedItems, int Queries, int WithoutHistory, int Targets, int HeldOutNopes,
    DateTimeOffset AsOf)
{
    /// <summary>Counts a split.</summary>
    public static SplitSummary Of(Split split)
    {
        ArgumentNullException.ThrowIfNull(split);
        return new(
            split.Name, split.TrainingUsers.Count, split.Training.Decisions.Count, split.RankedCount, split.Queries.Count,
            split.Queries.Count(query => query.Likes.Length + query.Nopes.Length == 0), split.Queries.Sum(query => query.Targets.Length),
            split.Queries.Sum(query => query.HeldOutNopes.Length), split.AsOf);
    }
}

/// <summary>A model's numbers, over all its seeds. Keys of <c>Metrics</c> are those of <see cref="Measures"/>.</summary>
internal sealed record ModelResult
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>Whether it is a recipe.</summary>
    public required bool IsRecipe { get; init; }

    /// <summary>Whether this is the re-ranked order.</summary>
    public required bool IsReRanked { get; init; }

    /// <summary>Its seeds; none for a model without randomness.</summary>
    public required IReadOnlyList<int> Seeds { get; init; }

    /// <summary>Mean over the seeds, all splits together.</summary>
    public required double FitSeconds { get; init; }

    /// <summary>Over the queries that have a history.</summary>
    public required GroupResult WithHistory { get; init; }

    /// <summary>Over those that have none; null where all have one.</summary>
    public required GroupResult? WithoutHistory { get; init; }

    /// <summary>Each seed alone.</summary>
    public required IReadOnlyList<GroupResult> BySeed { get; init; }

    /// <summary>Each split alone, where there are several.</summary>
    public required IReadOnlyList<GroupResult> BySplit { get; init; }

    /// <summary>Users by likes in their history.</summary>
    public required IReadOnlyList<GroupResult> ByActivity { get; init; }

    /// <summary>Recall@20 of the targets by their popularity.</summary>
    public required IReadOnlyList<GroupResult> ByPopularity { get; init; }

    /// <summary>Against the reference: this model's mean less its, the same users drawn for both; null for the reference itself.</summary>
    public GroupResult? Difference { get; init; }

    /// <summary>What its probabilities are worth; none for a model that shows no probability.</summary>
    public required IReadOnlyList<CalibrationBin> Calibration { get; init; }

    /// <summary>How far its probabilities are from what was decided; null where there are none.</summary>
    public ProbabilityErrors? ProbabilityErrors { get; init; }

    /// <summary>Scores of held-out likes against those of held-out nopes; null where there is nothing to tell apart.</summary>
    public required ScoreDistribution? Scores { get; init; }

    /// <summary>Epochs of each seed's trainings.</summary>
    public required IReadOnlyList<LearningCurve> Curves { get; init; }
}

/// <summary>Numbers of some of the queries.</summary>
/// <param name="Queries">How many.</param>
/// <param name="Metrics">The means.</param>
internal sealed record GroupResult(string Name, int Queries, IReadOnlyDictionary<string, Estimate> Metrics);

/// <summary>Held-out decisions whose probability was about the same.</summary>
/// <param name="Predicted">Mean probability of a like.</param>
/// <param name="Observed">Share of likes.</param>
/// <param name="Decisions">How many decisions.</param>
internal sealed record CalibrationBin(double Predicted, double Observed, int Decisions);

/// <summary>How far probabilities of likes are from what was decided.</summary>
/// <param name="Decisions">Held-out decisions.</param>
/// <param name="LogLoss">Mean of −ln of the probability of what was decided; lower is better.</param>
/// <param name="CalibrationError">Expected calibration error: mean distance of <see cref="CalibrationBin.Predicted"/> and
/// <see cref="CalibrationBin.Observed"/>, weighted by the decisions of a bin; 0 is best.</param>
internal sealed record ProbabilityErrors(int Decisions, double LogLoss, double CalibrationError);

/// <summary>How a training went.</summary>
/// <param name="BestEpoch">The epoch that was kept.</param>
/// <param name="Epochs">Each epoch.</param>
internal sealed record LearningCurve(int Seed, string Split, int BestEpoch, IReadOnlyList<Core.Artifacts.EpochMetrics> Epochs);
