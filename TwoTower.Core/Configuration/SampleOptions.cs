using System.ComponentModel.DataAnnotations;

namespace TwoTower.Core.Configuration;

/// <summary>Who and what is trained on.</summary>
public sealed record SampleOptions
{
    /// <summary>Negatives wanted for each like of a user. Nopes count towards it, the rest is drawn from the videos that the user hasn't
    /// decided on.</summary>
    /// <remarks>Raise it to show more different videos; the time of the training grows with it (8 takes twice as long as 3). Lower it for a
    /// faster training; 1 is measurably worse.</remarks>
    [Range(0, 1000), OnlyOf(RecipeKind.Statistics)]
    public int NegativeSamplingRatio { get; init; } = 3;

    /// <summary>Share of the sampled negatives that are drawn as often as other users like them; the rest uniformly. 0 is the
    /// original.</summary>
    /// <remarks>Raise it where everybody gets the popular videos: nearly every like is popular and hardly any uniform draw is. Lower it
    /// where popular videos are too rare in the answers.</remarks>
    [Range(0.0, 1.0), OnlyOf(RecipeKind.Statistics)]
    public double NegativePopularity { get; init; }

    /// <summary>Share of the samples that is held out, at random, for the validation loss.</summary>
    /// <remarks>Raise it where that loss is noisy; what is held out isn't learned from (0.3 is measurably worse). Lower it on little
    /// data.</remarks>
    [Range(0.0, 0.9), OnlyOf(RecipeKind.Statistics)]
    public double TrainValSplit { get; init; } = 0.1;

    /// <summary>
    /// Share of the users that no training ever sees, always the same ones, by a stable hash of their id: the gate compares a new release
    /// with the live one on them, and likeProbability is fitted on them. 0 leaves nobody out, and then the gate doesn't judge quality.
    /// </summary>
    /// <remarks>Raise it where the gate or likeProbability has too few users to judge by; nothing is learned from them. Lower it on little
    /// data.</remarks>
    [Range(0.0, 0.5)]
    public double HeldOutUsers { get; init; } = 0.02;
}
