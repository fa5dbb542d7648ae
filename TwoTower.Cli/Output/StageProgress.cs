namespace TwoTower.Cli.Output;

/// <summary>How far a stage is.</summary>
/// <param name="Done">Units done: rows, samples, videos.</param>
/// <param name="Total">Units in all; null while nobody knows.</param>
/// <param name="Note">A few words on where it is: "epoch 3 of 25, validation loss 0.5123".</param>
internal readonly record struct StageProgress(long Done, long? Total, string? Note = null);
