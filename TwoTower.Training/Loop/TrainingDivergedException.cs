namespace TwoTower.Training.Loop;

/// <summary>The loss or its gradient is no longer a number. The last epoch's checkpoint, where there is one, is still good.</summary>
internal sealed class TrainingDivergedException(string message) : Exception(message);
