using System.Text.Json;
using System.Text.Json.Nodes;
using TwoTower.Core;
using TwoTower.Core.Artifacts;
using TwoTower.Core.Configuration;

namespace TwoTower.Training;

/// <summary>
/// Decides whether a training goes on from a checkpoint or starts from the beginning. It goes on only where it ends like a training of these
/// settings that was never stopped; an interrupted one that doesn't fit isn't passed over in silence.
/// </summary>
internal static class ResumePoint
{
    private const int NamedDifferences = 5;

    /// <summary>The checkpoint to go on from, or null.</summary>
    /// <param name="options">The training that starts.</param>
    /// <param name="arithmetic">What computes it; null: nothing that could go on.</param>
    /// <param name="dataFingerprint">Its samples and features; null: not known, nothing goes on.</param>
    /// <exception cref="InputException">The checkpoint is damaged, or has to be resumed and can't be.</exception>
    public static Checkpoint? Find(TrainOptions options, Arithmetic? arithmetic, string? dataFingerprint)
    {
        if (options.Resume == Resumption.Never || options.CheckpointPath is not { } path) return null;
        var required = options.Resume == Resumption.Required;
        if (!File.Exists(path)) return required ? throw Refused(path, "there is no such file") : null;

        var checkpoint = CheckpointStore.Read(path);
        if (checkpoint.Resume is not { } resume) return required ? throw Refused(path, "it holds no state to go on from") : null;
        if (IsFinished(checkpoint, resume))
        {
            // More epochs of a finished training are asked for on purpose or not at all.
            if (!required) return null;
            if (options.Recipe.Training.Epochs <= resume.Epoch) throw Refused(path, $"that training is finished after {resume.Epoch} epochs; more of them (--epochs) would go on");
        }

        if (Difference(checkpoint, resume, options, arithmetic, dataFingerprint) is { } difference)
        {
            if (required) throw Refused(path, difference);
            options.Say?.Invoke(
                $"an interrupted training is in {path} (recipe {checkpoint.Recipe.Name}, {resume.Epoch} of {checkpoint.Recipe.Training.Epochs} epochs) and isn't resumed: {difference}. "
                + $"This one starts from the beginning and replaces that checkpoint {(arithmetic is null ? "when it is done" : "after its first epoch")}; to keep it, stop now and name another "
                + "(--checkpoint FILE, or TwoTower:Trainer:Checkpoint)");
            return null;
        }

        var training = options.Recipe.Training;
        var done = resume.Epoch == training.Epochs || resume.EpochsWithoutImprovement >= training.EarlyStoppingPatience
            ? "the last, but its release wasn't registered" : $"of {training.Epochs}";
        var threads = resume.Arithmetic is { } before && before.Threads != arithmetic!.Threads
            ? $", with {arithmetic.Threads} threads instead of {before.Threads}: last digits may differ" : "";
        options.Say?.Invoke($"resuming after epoch {resume.Epoch} ({done}) of {path}{threads}");
        return checkpoint;
    }

    // Checkpoints of before there was the mark: done with all epochs is finished.
    private static bool IsFinished(Checkpoint checkpoint, ResumeState resume) => resume.Finished
        ?? (resume.Epoch >= checkpoint.Recipe.Training.Epochs || resume.EpochsWithoutImprovement >= checkpoint.Recipe.Training.EarlyStoppingPatience);

    private static string? Difference(Checkpoint checkpoint, ResumeState resume, TrainOptions options, Arithmetic? arithmetic, string? dataFingerprint)
    {
        var settings = Settings(checkpoint.Recipe, options.Recipe, resume.Epoch);
        if (settings.Count > 0)
        {
            var more = settings.Count > NamedDifferences ? $" and {settings.Count - NamedDifferences} more" : "";
            return $"its settings are others ({string.Join(", ", settings.Take(NamedDifferences))}{more})";
        }

        if (arithmetic is null) return $"recipe {options.Recipe.Name} takes minutes and always starts from the beginning";
        if (resume.Arithmetic is { } before && before with { Threads = arithmetic.Threads } != arithmetic)
        {
            return $"it was computed otherwise (on {before.Device} with shortcuts {before.Shortcuts}, now on {arithmetic.Device} with {arithmetic.Shortcuts})";
        }

        return resume.DataFingerprint == dataFingerprint ? null : "it was made from other data";
    }

    // More epochs than are done are the same training for a longer time; fewer aren't what was asked for.
    private static List<string> Settings(Recipe before, Recipe now, int done)
    {
        var (old, wanted) = (Values(before), Values(now));
        if (now.Training.Epochs >= done) old["training.epochs"] = wanted["training.epochs"];
        return [.. wanted.Keys.Union(old.Keys).Where(key => old.GetValueOrDefault(key) != wanted.GetValueOrDefault(key))
            .Select(key => $"{key} {old.GetValueOrDefault(key) ?? "absent"}, now {wanted.GetValueOrDefault(key) ?? "absent"}")];
    }

    private static Dictionary<string, string> Values(Recipe recipe)
    {
        var values = new Dictionary<string, string>();
        Add(JsonNode.Parse(RecipeReader.ToJson(recipe))!.AsObject(), "");
        return values;

        void Add(JsonObject section, string prefix)
        {
            foreach (var (key, value) in section)
            {
                if (value is JsonObject inner) Add(inner, $"{prefix}{key}.");
                else values[prefix + key] = value?.ToJsonString(JsonSerializerOptions.Default) ?? "null";
            }
        }
    }

    private static InputException Refused(string path, string reason) => new($"{path} can't be resumed: {reason}. Leave --resume out to start from the beginning.");
}
