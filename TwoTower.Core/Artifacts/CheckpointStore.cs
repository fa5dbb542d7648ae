using System.Globalization;
using System.Text.Json;
using TwoTower.Core.Configuration;
using TwoTower.Core.Features;
using TwoTower.Core.Formats;

namespace TwoTower.Core.Artifacts;

/// <summary>
/// Checkpoints as safetensors files: tensors named <c>user_tower.l1.weight</c> … as Python would, everything else as JSON strings in
/// <c>__metadata__</c> (<c>config</c>, <c>pipeline</c>, <c>training</c>, <c>probes</c>, <c>calibration</c>, <c>resume</c>).
/// </summary>
internal static class CheckpointStore
{
    private const string FormatName = "twotower-checkpoint-1";
    private const string UserTower = "user_tower", ItemTower = "item_tower", HistoryTower = "history_tower", Ids = "item_ids.";
    private const string Last = "last.", FirstMoment = "adamw.first_moment.", SecondMoment = "adamw.second_moment.";

    /// <summary>Writes a checkpoint; a failure or a kill leaves the file that was there.</summary>
    /// <exception cref="InputException">The file cannot be written.</exception>
    public static void Write(string path, Checkpoint checkpoint)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);
        var tensors = new List<SafetensorsTensor>();
        Add(tensors, "", (checkpoint.User, checkpoint.Item));
        var metadata = new Dictionary<string, string>
        {
            ["format"] = "pt", // what Python's loaders expect to see
            ["checkpoint_format"] = FormatName,
            ["config"] = RecipeReader.ToNode(checkpoint.Recipe).ToJsonString(SnakeCaseJson.Strict),
            ["pipeline"] = JsonSerializer.Serialize(checkpoint.Pipeline, SnakeCaseJson.Strict),
            ["training"] = JsonSerializer.Serialize(checkpoint.Training, SnakeCaseJson.Strict),
        };
        if (checkpoint.Probes.Count > 0) metadata["probes"] = JsonSerializer.Serialize([.. checkpoint.Probes], PayloadJson.Default.ItemPayloadArray);
        if (checkpoint.Calibration is { } likes) metadata["calibration"] = JsonSerializer.Serialize(likes, SnakeCaseJson.Strict);
        if (checkpoint.History is { } history)
        {
            Add(tensors, HistoryTower, history.Tower);
            tensors.AddRange(history.Ids.Tensors(Ids));
        }

        if (checkpoint.Resume is { } resume)
        {
            Add(tensors, Last, (resume.User, resume.Item));
            Add(tensors, FirstMoment, resume.FirstMoment);
            Add(tensors, SecondMoment, resume.SecondMoment);
            var progress = new Progress(
                resume.Step, resume.Epoch, resume.EpochsWithoutImprovement,
                [.. resume.Random.Select(word => word.ToString("x16"))], resume.DataFingerprint, resume.Arithmetic, resume.Finished, resume.ExportedAt);
            metadata["resume"] = JsonSerializer.Serialize(progress, SnakeCaseJson.Strict);
        }

        AtomicFile.Write(path, new SafetensorsFile(metadata, tensors).Write);
    }

    /// <summary>Reads a checkpoint.</summary>
    /// <exception cref="InputException">It is missing, damaged or not a checkpoint.</exception>
    public static Checkpoint Read(string path)
    {
        var file = SafetensorsFile.Read(path);
        try
        {
            var format = file.Metadata.GetValueOrDefault("checkpoint_format");
            if (format != FormatName)
            {
                throw new InputException($"not a checkpoint of this program (checkpoint_format is {format ?? "absent"}, expected {FormatName}).");
            }

            var (user, item) = Towers(file, "");
            return new Checkpoint
            {
                Recipe = RecipeReader.Stored(Text(file, "config"), "metadata config"),
                Pipeline = Parse<PipelineState>(file, "pipeline"),
                Training = Parse<TrainingSummary>(file, "training"),
                User = user,
                Item = item,
                Probes = file.Metadata.TryGetValue("probes", out var probes) ? ProbeSet.ParseItems(probes) : [],
                History = file.Tensors.Any(t => t.Name.StartsWith(Ids, StringComparison.Ordinal))
                    ? new(Tower(file, HistoryTower), ItemIds.Parse(file, Ids)) : null,
                Calibration = file.Metadata.ContainsKey("calibration") ? Parse<LikeCalibration>(file, "calibration").Checked("metadata calibration") : null,
                Resume = file.Metadata.ContainsKey("resume") ? ReadResume(file) : null,
            };
        }
        catch (InputException e)
        {
            throw new InputException($"{path}: {e.Message}", e);
        }
    }

    /// <summary>The towers of any safetensors file that names its tensors as the contract does.</summary>
    /// <exception cref="InputException">A tensor is missing or doesn't fit its neighbours.</exception>
    public static (TowerWeights User, TowerWeights Item) ReadTowers(SafetensorsFile file) => Towers(file, "");

    private static ResumeState ReadResume(SafetensorsFile file)
    {
        var progress = Parse<Progress>(file, "resume");
        if (progress is not { Random: { } words, DataFingerprint: not null }) throw new InputException("metadata resume has no random or no data_fingerprint.");
        var (user, item) = Towers(file, Last);
        return new ResumeState
        {
            User = user,
            Item = item,
            FirstMoment = Towers(file, FirstMoment),
            SecondMoment = Towers(file, SecondMoment),
            Step = progress.Step,
            Epoch = progress.Epoch,
            EpochsWithoutImprovement = progress.EpochsWithoutImprovement,
            Random =
                [.. words.Select(word => ulong.TryParse(word, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value)
                ? value : throw new InputException($"metadata resume has the random word '{word}': a number in hexadecimal is expected."))],
            DataFingerprint = progress.DataFingerprint,
            Arithmetic = progress.Arithmetic,
            Finished = progress.Finished,
            ExportedAt = progress.ExportedAt,
        };
    }

    private static string Text(SafetensorsFile file, string key) =>
        file.Metadata.GetValueOrDefault(key) ?? throw new InputException($"metadata {key} is missing.");

    private static T Parse<T>(SafetensorsFile file, string key)
    {
        var json = Text(file, key);
        try
        {
            return JsonSerializer.Deserialize<T>(json, SnakeCaseJson.Strict) ?? throw new InputException($"metadata {key} is null.");
        }
        catch (Exception e) when (e is JsonException or FormatException)
        {
            throw new InputException($"metadata {key} is not readable: {e.Message}", e);
        }
    }

    private static void Add(List<SafetensorsTensor> tensors, string prefix, (TowerWeights User, TowerWeights Item) towers)
    {
        Add(tensors, prefix + UserTower, towers.User);
        Add(tensors, prefix + ItemTower, towers.Item);
    }

    private static void Add(List<SafetensorsTensor> tensors, string tower, TowerWeights weights)
    {
        for (var l = 0; l < weights.Layers.Count; l++)
        {
            var layer = weights.Layers[l];
            var name = $"{tower}.l{l + 1}";
            tensors.Add(SafetensorsTensor.Floats($"{name}.weight", [layer.OutputDim, layer.InputDim], layer.Weight));
            tensors.Add(SafetensorsTensor.Floats($"{name}.bias", [layer.OutputDim], layer.Bias));
        }
    }

    private static (TowerWeights User, TowerWeights Item) Towers(SafetensorsFile file, string prefix) =>
        (Tower(file, prefix + UserTower), Tower(file, prefix + ItemTower));

    private static TowerWeights Tower(SafetensorsFile file, string prefix)
    {
        var layers = new List<LinearWeights>();
        while (layers.Count == 0 || file.Tensors.Any(t => t.Name == $"{prefix}.l{layers.Count + 1}.weight"))
        {
            var name = $"{prefix}.l{layers.Count + 1}";
            var weight = file[$"{name}.weight"];
            if (weight.Shape is not [var rows, var columns] || (layers.Count > 0 && layers[^1].OutputDim != columns))
            {
                throw new InputException($"tensor {weight.Name} has shape [{string.Join(", ", weight.Shape)}], which doesn't follow the layer before it.");
            }

            layers.Add(new((int)columns, (int)rows, weight.ToFloats(rows, columns), file[$"{name}.bias"].ToFloats(rows)));
        }

        return new(layers);
    }

    private sealed record Progress(long Step, int Epoch, int EpochsWithoutImprovement, IReadOnlyList<string> Random, string DataFingerprint,
        Arithmetic? Arithmetic = null, bool? Finished = null, DateTimeOffset? ExportedAt = null);
}
