using TwoTower.Core.Artifacts;
using TwoTower.Postgres.Releases;

namespace TwoTower.Training;

/// <summary>What a training made.</summary>
/// <param name="Checkpoint">The best epoch's towers, the pipeline and the story.</param>
/// <param name="Release">The registered release; null without a database.</param>
/// <param name="ResumedAfterEpoch">Epochs that an earlier run had done; 0 for a fresh training.</param>
/// <param name="TrainingTime">Of the epochs of this run.</param>
/// <param name="SamplesPerSecond">Of the epochs of this run, evaluation and checkpoints included; null where an earlier run had done them all.</param>
internal sealed record TrainResult(
    Checkpoint Checkpoint, Release? Release, int ResumedAfterEpoch, TimeSpan TrainingTime, double? SamplesPerSecond);
