using TwoTower.Core.Artifacts;

namespace TwoTower.Training.Loop;

/// <summary>
/// Does the arithmetic of a training: two towers, their optimiser, and where both live. <see cref="TorchBackend"/> is the model written
/// down plainly, for any device; <see cref="Cpu.CpuBackend"/> is the same arithmetic without the repeated work.
/// </summary>
internal interface ITrainingBackend : IDisposable
{
    /// <summary>Starts an epoch: dropout draws from this key until the next one.</summary>
    void BeginEpoch(ulong dropoutKey);

    /// <summary>One optimiser step on a batch of samples (rows of the training set). A loss that is not finite leaves the weights
    /// alone.</summary>
    StepResult Step(ReadOnlySpan<int> samples);

    /// <summary>Copies of both towers as they are now.</summary>
    (TowerWeights User, TowerWeights Item) Weights();

    /// <summary>Copies of the optimiser's memory.</summary>
    OptimizerState Optimizer();

    /// <summary>Embeddings of all users and all items without dropout, row-major, [count × embedding].</summary>
    (float[] Users, float[] Items) Embed();
}

/// <summary>What a step saw.</summary>
/// <param name="Loss">Mean over the batch, before the step.</param>
/// <param name="GradientNorm">Before clipping.</param>
internal readonly record struct StepResult(double Loss, double GradientNorm);

/// <summary>AdamW's memory, in the shape of the towers.</summary>
/// <param name="FirstMoment">Mean of gradients.</param>
/// <param name="SecondMoment">Mean of squared gradients.</param>
/// <param name="Step">Steps taken.</param>
internal sealed record OptimizerState(
    (TowerWeights User, TowerWeights Item) FirstMoment, (TowerWeights User, TowerWeights Item) SecondMoment, long Step);
