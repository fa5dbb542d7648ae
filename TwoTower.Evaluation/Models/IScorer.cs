using TwoTower.Core.Artifacts;
using TwoTower.Evaluation.Queries;

namespace TwoTower.Evaluation.Models;

/// <summary>A fitted model as an evaluation sees it: a score for each item of the split, for a user that it hasn't learned from.</summary>
internal interface IScorer : IDisposable
{
    /// <summary>Scores every item of the split for one query, higher is better.</summary>
    /// <param name="query">What may be known of the user.</param>
    /// <param name="scores">[Items.Count]; overwritten.</param>
    void Score(Query query, Span<float> scores);

    /// <summary>From a score of a query to the probability of a like that the product would show beside it; null for a model that shows
    /// none.</summary>
    Func<float, double>? Probability(Query query) => null;

    /// <summary>The learning curve; null for a model without epochs.</summary>
    TrainingSummary? Training => null;

    /// <summary>What the product would register as a release; null for a model that it can't serve.</summary>
    Checkpoint? Checkpoint => null;
}
