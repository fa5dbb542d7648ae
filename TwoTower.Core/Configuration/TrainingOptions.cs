using System.ComponentModel.DataAnnotations;

namespace TwoTower.Core.Configuration;

/// <summary>The optimisation: AdamW. statistics: on binary cross-entropy of the score; history: of the user tower's last
/// correction.</summary>
public sealed record TrainingOptions
{
    /// <summary>Most passes over the samples.</summary>
    /// <remarks>Raise it where the loss still falls at the end; the time grows with it. Lower it for a quick try.</remarks>
    [Range(1, 100_000)]
    public int Epochs { get; init; } = 25;

    /// <summary>Samples in one step.</summary>
    /// <remarks>Raise it for speed, and lr with it; fewer, larger steps are taken. Lower it on little data.</remarks>
    [Range(1, 1_000_000)]
    public int BatchSize { get; init; } = 256;

    /// <summary>Learning rate.</summary>
    /// <remarks>Raise it where the loss falls slowly; too high, it jumps or is no number. Lower it then; more epochs are needed.</remarks>
    [Range(1e-8, 10.0)]
    public double Lr { get; init; } = 1e-3;

    /// <summary>Decoupled weight decay.</summary>
    /// <remarks>Raise it against learning by heart; too high, the towers stay near their beginning. Lower it on much data.</remarks>
    [Range(0.0, 1.0)]
    public double WeightDecay { get; init; } = 1e-5;

    /// <summary>Decay of the running mean of the gradient.</summary>
    /// <remarks>Raise it to smooth noisy steps; it then reacts later. Lower it where the loss swings. Seldom worth a try.</remarks>
    [Range(0.0, 0.9999999)]
    public double Beta1 { get; init; } = 0.9;

    /// <summary>Decay of the running mean of the squared gradient.</summary>
    /// <remarks>Raise it for steadier steps; lower it where rare, large gradients shrink the steps for long. Seldom worth a try.</remarks>
    [Range(0.0, 0.9999999)]
    public double Beta2 { get; init; } = 0.999;

    /// <summary>Added to the denominator of a step.</summary>
    /// <remarks>Raise it where tiny gradients make wild steps; weights with small gradients then learn more slowly. Lowering it seldom
    /// changes anything.</remarks>
    [Range(1e-16, 1.0)]
    public double Eps { get; init; } = 1e-8;

    /// <summary>What the score is multiplied by before the loss. 1 is the original's bare cosine, whose loss can't fall under
    /// .313.</summary>
    /// <remarks>Raise it so that likes and nopes can lie far apart; too high, the training becomes unsteady. Lower it to 1 to reproduce the
    /// original.</remarks>
    [Range(0.1, 100.0), OnlyOf(RecipeKind.Statistics)]
    public double LogitScale { get; init; } = 1.0;

    /// <summary>Longest gradient; longer ones are scaled down to it.</summary>
    /// <remarks>Raise it where nearly every step is cut; lower it where single steps throw the loss up. Too low, training is
    /// slow.</remarks>
    [Range(1e-6, 1e6)]
    public double GradientClipNorm { get; init; } = 5.0;

    /// <summary>Epochs without an improvement of the validation loss before training stops; the best epoch is kept.</summary>
    /// <remarks>Raise it where the loss improves after pauses; each costs an epoch. Lower it to stop sooner.</remarks>
    [Range(1, 100_000), OnlyOf(RecipeKind.Statistics)]
    public int EarlyStoppingPatience { get; init; } = 5;

    /// <summary>Fall of the validation loss that counts as an improvement.</summary>
    /// <remarks>Raise it to stop where little is gained; lower it to train to the end.</remarks>
    [Range(0.0, 1.0), OnlyOf(RecipeKind.Statistics)]
    public double EarlyStoppingMinDelta { get; init; } = 1e-4;
}
