using TwoTower.Evaluation.Evaluators;
using TwoTower.Evaluation.Live;

namespace TwoTower.Evaluation;

/// <summary>Asks a sample of the queries a second time, of the product as it is served.</summary>
internal interface ILiveEvaluation
{
    /// <summary>Asks about a fitted recipe; of several seeds the first.</summary>
    Task AskAsync(EvaluatedSplit evaluated, IProgress<EvaluationProgress>? progress, CancellationToken ct);

    /// <summary>What came of it, by recipe.</summary>
    /// <param name="rounds">Draws of the bootstrap.</param>
    IReadOnlyList<LiveResult> Results(int rounds);
}
