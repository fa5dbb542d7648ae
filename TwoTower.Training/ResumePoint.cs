using TwoTower.Core.Artifacts;
using TwoTower.Core.Configuration;

namespace TwoTower.Training;

/// <summary>Decides whether a training goes on from a checkpoint or starts from the beginning.</summary>
internal static class ResumePoint
{
    /// <summary>The checkpoint to go on from, or null; why not is said.</summary>
    /// <exception cref="Core.InputException">The checkpoint is damaged.</exception>
    public static Checkpoint? Find(TrainOptions options, string dataFingerprint, Action<string>? say)
    {
        if (!options.Resume || options.CheckpointPath is not { } path) return null;
        if (!File.Exists(path))
        {
            say?.Invoke($"nothing to resume: there is no {path}; training starts from the beginning");
            return null;
        }

        var checkpoint = CheckpointStore.Read(path);
        var reason = checkpoint.Resume switch
        {
            null => "it holds no state to go on from",
            { } resume when resume.DataFingerprint != dataFingerprint => "it was made from other data",
            _ when Text(checkpoint.Recipe) != Text(options.Recipe) => "it was made by another recipe",
            _ => null,
        };
        if (reason is not null)
        {
            say?.Invoke($"{path} is not resumed: {reason}; training starts from the beginning");
            return null;
        }

        say?.Invoke($"resuming after epoch {checkpoint.Resume!.Epoch} of {path}");
        return checkpoint;
    }

    // More (or fewer) epochs of the same training are the same training.
    private static string Text(Recipe recipe) =>
        RecipeReader.ToJson(recipe with { Training = recipe.Training with { Epochs = 1 } });
}
