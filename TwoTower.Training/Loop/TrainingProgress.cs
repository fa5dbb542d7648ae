using TwoTower.Core.Artifacts;

namespace TwoTower.Training.Loop;

/// <summary>Where a training is, once a step.</summary>
/// <param name="Epoch">From 1.</param>
/// <param name="Epochs">At most.</param>
/// <param name="Step">Of this epoch, from 1.</param>
/// <param name="Steps">Of an epoch.</param>
/// <param name="Loss">Mean over this epoch so far.</param>
/// <param name="SamplesPerSecond">Of this epoch so far.</param>
/// <param name="TimeLeft">Until the last epoch, if it doesn't stop early.</param>
/// <param name="LastEpoch">The epoch before this one.</param>
internal sealed record TrainingProgress(
    int Epoch, int Epochs, int Step, int Steps, double Loss, double SamplesPerSecond, TimeSpan TimeLeft, EpochMetrics? LastEpoch);
