using System.Text.Json;
using System.Text.Json.Nodes;
using TwoTower.Core;
using TwoTower.Core.Artifacts;
using TwoTower.Core.Configuration;

namespace TwoTower.Training;

/// <summary>
/// Decides whether a training goes on from a checkpoint or starts from the beginning. It goes on only where it ends like a training of
/// these settings that was never stopped; an interrupted one that doesn't fit isn't passed over in silence.
/// </summary>
internal static class ResumePoint
{
    private const int NamedDifferences = 5;

    /// <summary>The checkpoint to go on from as far as can be told before the data is read, or null.</summary>
    /// <param name="options">The training that starts.</param>
    /// <param name="arithmetic">What computes it; null: nothing that could go on.</param>
    /// <exception cref="InputException">The checkpoint has to be resumed and can't be.</exception>
    public static Checkpoint? Find(TrainOptions options, Arithmetic? arithmetic)
    {
        if (options.Resume == Resumption.Never || options.CheckpointPath is not { } path) return null;
        var required = options.Resume == Resumption.Required;
        if (!File.Exists(path)) return required ? throw Refused(path, "there is no such file") : null;
        if (Read(path, options) is not { } checkpoint) return null;
        if (checkpoint.Resume is not { } resume) return required ? throw Refused(path, "it holds no state to go on from") : null;
        if (IsFinished(checkpoint, resume))
        {
            // More epochs of a finished training are asked for on purpose or not at all.
            if (!required) return null;
            if (WhyNoMore(resume, options.Recipe.Training) is { } reason) throw Refused(path, reason);
        }

        return Difference(checkpoint, resume, options, arithmetic) is { } difference
            ? NotResumed(checkpoint, options, difference) : checkpoint;
    }

    /// <summary>The checkpoint that <see cref="Find"/> found, as this training goes on from it, or null: it was made from other data.</summary>
    /// <param name="found">The checkpoint.</param>
    /// <param name="options">The training that starts.</param>
    /// <param name="arithmetic">What computes it.</param>
    /// <param name="dataFingerprint">Its samples and features.</param>
    /// <exception cref="InputException">It has to be resumed and can't be.</exception>
    public static Checkpoint? Confirm(Checkpoint found, TrainOptions options, Arithmetic arithmetic, string dataFingerprint)
    {
        var (resume, training) = (found.Resume!, options.Recipe.Training);
        if (resume.DataFingerprint != dataFingerprint) return NotResumed(found, options, "it was made from other data");
        var done = resume.Epoch < training.Epochs && resume.EpochsWithoutImprovement < training.EarlyStoppingPatience ? $"of {training.Epochs}"
            : resume.ExportedAt is null ? "the last, but its release wasn't registered"
            : "the last; its release is registered where it isn't yet";
        var threads = resume.Arithmetic is { } before && before.Threads != arithmetic.Threads
            ? $", with {arithmetic.Threads} threads instead of {before.Threads}: last digits may differ" : "";
        options.Say?.Invoke($"resuming after epoch {resume.Epoch} ({done}) of {options.CheckpointPath}{threads}");
        return found with { Recipe = options.Recipe };
    }

    // A file that can't be read ends a training only where that has to go on from it. Otherwise one line says so, before the file is
    // replaced.
    private static Checkpoint? Read(string path, TrainOptions options)
    {
        try
        {
            return CheckpointStore.Read(path);
        }
        catch (InputException e) when (options.Resume != Resumption.Required)
        {
            options.Say?.Invoke(
                $"the checkpoint {path} can't be read ({e.Message.Replace($"{path}: ", "", StringComparison.Ordinal).TrimEnd('.')}): the training starts from the beginning. "
                + Replaces(options.Recipe));
            return null;
        }
        catch (InputException e)
        {
            throw new InputException($"{e.Message} Leave --resume out to start from the beginning.", e);
        }
    }

    private static Checkpoint? NotResumed(Checkpoint checkpoint, TrainOptions options, string difference)
    {
        var path = options.CheckpointPath!;
        if (options.Resume == Resumption.Required) throw Refused(path, difference);
        options.Say?.Invoke(
            $"an interrupted training is in {path} (recipe {checkpoint.Recipe.Name}, {checkpoint.Resume!.Epoch} of {checkpoint.Recipe.Training.Epochs} epochs) "
            + $"and isn't resumed: {difference}. This one starts from the beginning. {Replaces(options.Recipe)}");
        return null;
    }

    private static string Replaces(Recipe recipe) =>
        $"It replaces that checkpoint {(recipe.Kind == RecipeKind.History ? "when it is done" : "after its first epoch")}; to keep it, stop now and name another "
        + "(--checkpoint FILE, or TwoTower:Trainer:Checkpoint)";

    private static string? WhyNoMore(ResumeState resume, TrainingOptions training) =>
        training.Epochs <= resume.Epoch ? $"that training is finished after {resume.Epoch} epochs; more of them (--epochs) would go on"
        : resume.EpochsWithoutImprovement >= training.EarlyStoppingPatience
            ? $"it stopped early after {resume.Epoch} epochs, {resume.EpochsWithoutImprovement} of them without an improvement: raise "
                + $"training.early_stopping_patience (now {training.EarlyStoppingPatience})"
        : null;

    // Checkpoints of before there was the mark: done with all epochs is finished.
    private static bool IsFinished(Checkpoint checkpoint, ResumeState resume) => resume.Finished
        ?? (resume.Epoch >= checkpoint.Recipe.Training.Epochs
            || resume.EpochsWithoutImprovement >= checkpoint.Recipe.Training.EarlyStoppingPatience);

    private static string? Difference(Checkpoint checkpoint, ResumeState resume, TrainOptions options, Arithmetic? arithmetic)
    {
        var settings = Settings(checkpoint.Recipe, options.Recipe, resume);
        if (settings.Count > 0)
        {
            var more = settings.Count > NamedDifferences ? $" and {settings.Count - NamedDifferences} more" : "";
            return $"its settings are others ({string.Join(", ", settings.Take(NamedDifferences))}{more})";
        }

        if (arithmetic is null) return $"recipe {options.Recipe.Name} takes minutes and always starts from the beginning";
        return resume.Arithmetic is { } before && before with { Threads = arithmetic.Threads } != arithmetic
            ? $"it was computed otherwise (on {before.Device} with shortcuts {before.Shortcuts}, now on {arithmetic.Device} with {arithmetic.Shortcuts})"
            : null;
    }

    // More epochs than are done, or more patience, are the same training for a longer time; fewer aren't what was asked for.
    private static List<string> Settings(Recipe before, Recipe now, ResumeState resume)
    {
        var (old, wanted) = (Values(before), Values(now));
        if (now.Training.Epochs >= resume.Epoch) Take("training.epochs");
        if (now.Training.EarlyStoppingPatience >= before.Training.EarlyStoppingPatience) Take("training.early_stopping_patience");
        return [.. wanted.Keys.Union(old.Keys).Where(key => old.GetValueOrDefault(key) != wanted.GetValueOrDefault(key))
            .Select(key => $"{key} {old.GetValueOrDefault(key) ?? "absent"}, now {wanted.GetValueOrDefault(key) ?? "absent"}")];

        // A key of the other kind of recipe isn't there.
        void Take(string key)
        {
            if (wanted.TryGetValue(key, out var value)) old[key] = value;
        }
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
