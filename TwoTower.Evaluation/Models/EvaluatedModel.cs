using TwoTower.Evaluation.Queries;
using TwoTower.Training.Loop;

namespace TwoTower.Evaluation.Models;

/// <summary>Something that is evaluated: a baseline or a recipe.</summary>
/// <param name="Name">As tables show it.</param>
/// <param name="IsSeeded">True: another seed gives another model.</param>
/// <param name="FitAsync">Learns from <see cref="Split.Training"/>, by a seed.</param>
internal sealed record EvaluatedModel(string Name, bool IsSeeded, Func<Fitting, Task<IScorer>> FitAsync)
{
    /// <summary>True: its score is a similarity that the product may re-rank; a count or a sum of weights is not.</summary>
    public bool IsRecipe { get; init; }

    /// <summary>Items that it can be fitted with at most; null: any number.</summary>
    public int? MostItems { get; init; }
}

/// <summary>What a model is fitted with.</summary>
/// <param name="Split">What it may learn from.</param>
/// <param name="Seed">Everything random comes from it.</param>
/// <param name="Progress">Told of each step of a training.</param>
internal sealed record Fitting(Split Split, int Seed, IProgress<TrainingProgress>? Progress, CancellationToken Stop);
