using TwoTower.Core;
using TwoTower.Core.Artifacts;
using TwoTower.Core.Configuration;
using TwoTower.Core.Formats;
using TwoTower.Core.Rows;
using TwoTower.Datasets.Import;
using TwoTower.Testing;
using TwoTower.Training.Tests.Loop;

namespace TwoTower.Training.Tests;

/// <summary>What a checkpoint that can't be resumed, or not any more, means for the training that finds it.</summary>
[Collection(nameof(Torch))]
public sealed class ResumptionTests : IDisposable
{
    private static readonly TableSet Tables = CsvTableReader.Read(Golden.Folder);

    // No epoch improves by that much: two epochs after the first one are the end.
    private static readonly Recipe StopsEarly = new()
    {
        Features = new() { MaxTagVocab = 20, MaxActressVocab = 12 },
        Samples = new() { HeldOutUsers = 0 },
        Model = new() { HiddenDims = [16], Dropout = [0.1], EmbeddingDim = 8 },
        Training = new() { Epochs = 6, BatchSize = 256, EarlyStoppingMinDelta = 1, EarlyStoppingPatience = 2 },
    };

    private readonly TemporaryFolder _folder = new();
    private readonly List<string> _said = [];

    private string CheckpointPath => Path.Combine(_folder.Path, "kept", "latest.safetensors");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_training_that_stopped_early_goes_on_only_with_more_patience()
    {
        var patient = With(training => training with { EarlyStoppingPatience = 4 });
        await RunAsync(Options(patient));
        var through = await File.ReadAllBytesAsync(CheckpointPath);
        await RunAsync(Options(StopsEarly));
        Assert.Equal(3, CheckpointStore.Read(CheckpointPath).Training.Epochs.Count);

        var longer = With(training => training with { Epochs = 9 });
        var refused = await Assert.ThrowsAsync<InputException>(() => RunAsync(Options(longer) with { Resume = Resumption.Required }));
        Assert.Contains(
            "can't be resumed: it stopped early after 3 epochs, 2 of them without an improvement: raise training.early_stopping_patience (now 2)",
            refused.Message, StringComparison.Ordinal);

        var result = await RunAsync(Options(patient) with { Resume = Resumption.Required });
        Assert.Equal((3, 5), (result.ResumedAfterEpoch, result.Checkpoint.Training.Epochs.Count));
        Assert.Equal(through, await File.ReadAllBytesAsync(CheckpointPath));
        Assert.Contains(_said, line => line.StartsWith("resuming after epoch 3 (of 6)", StringComparison.Ordinal));
        Assert.DoesNotContain(_said, line => line.Contains("wasn't registered"));
    }

    [Theory]
    [InlineData("missing", "there is no such file")]
    [InlineData("finished", "it stopped early after 3 epochs")]
    [InlineData("settings", "its settings are others (seed 42, now 43)")]
    [InlineData("histories", "kind \"statistics\", now \"history\"")]
    [InlineData("unreadable", "not a safetensors file")]
    public async Task What_cannot_be_resumed_is_refused_before_anything_is_read_or_written(string why, string expected)
    {
        if (why != "missing")
        {
            await RunAsync(Options(StopsEarly));
            File.Delete(CheckpointPath + ".lock");
        }

        if (why is "settings" or "histories")
        {
            var read = CheckpointStore.Read(CheckpointPath);
            CheckpointStore.Write(CheckpointPath, read with { Resume = read.Resume! with { Finished = false } });
        }

        if (why == "unreadable") await File.WriteAllTextAsync(CheckpointPath, "abc");
        var recipe = why switch
        {
            "settings" => StopsEarly with { Seed = 43 },
            "histories" => StopsEarly with { Kind = RecipeKind.History },
            _ => StopsEarly,
        };

        // Without tables and without a database: reading would throw something else.
        var refused =
            await Assert.ThrowsAsync<InputException>(() => RunAsync(Options(recipe) with { Tables = null, Resume = Resumption.Required }));

        Assert.Contains(CheckpointPath, refused.Message, StringComparison.Ordinal);
        Assert.Contains(expected, refused.Message, StringComparison.Ordinal);
        Assert.EndsWith(" Leave --resume out to start from the beginning.", refused.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(CheckpointPath + ".lock"));
        Assert.Equal(why != "missing", Directory.Exists(Path.GetDirectoryName(CheckpointPath)));
    }

    [Theory]
    [InlineData("empty")]
    [InlineData("cut")]
    [InlineData("other program's")]
    [InlineData("without its random state")]
    public async Task A_checkpoint_that_cannot_be_read_is_named_and_the_training_starts_from_the_beginning(string damage)
    {
        await RunAsync(Options(StopsEarly));
        var through = await File.ReadAllBytesAsync(CheckpointPath);
        await File.WriteAllBytesAsync(CheckpointPath, damage switch
        {
            "empty" => [],
            "cut" => through[..(through.Length / 2)],
            "other program's" => await File.ReadAllBytesAsync(Path.Combine(Golden.Folder, "weights_start.safetensors")),
            _ => WithoutRandom(CheckpointPath),
        });

        var result = await RunAsync(Options(StopsEarly) with { Resume = Resumption.IfInterrupted });

        Assert.Equal(0, result.ResumedAfterEpoch);
        Assert.Equal(through, await File.ReadAllBytesAsync(CheckpointPath));
        var said = Assert.Single(_said, line => line.Contains("can't be read"));
        Assert.StartsWith($"the checkpoint {CheckpointPath} can't be read (", said, StringComparison.Ordinal);
        Assert.Contains("): the training starts from the beginning. It replaces that checkpoint after its first epoch; to keep it, stop now", said, StringComparison.Ordinal);
    }

    private static byte[] WithoutRandom(string checkpoint)
    {
        var file = SafetensorsFile.Read(checkpoint);
        var resume = file.Metadata["resume"];
        Assert.Contains("\"random\"", resume, StringComparison.Ordinal);
        using var bytes = new MemoryStream();
        new SafetensorsFile(
            new Dictionary<string, string>(file.Metadata) { ["resume"] = resume.Replace("\"random\"", "\"another\"", StringComparison.Ordinal) }, file.Tensors).Write(bytes);
        return bytes.ToArray();
    }

    private static Recipe With(Func<TrainingOptions, TrainingOptions> change) => StopsEarly with { Training = change(StopsEarly.Training) };

    private static Task<TrainResult> RunAsync(TrainOptions options) => TrainJob.RunAsync(options, null, CancellationToken.None);

    private TrainOptions Options(Recipe recipe) => new()
    {
        Recipe = recipe,
        Tables = Tables,
        CheckpointPath = CheckpointPath,
        Device = TrainingDevice.Cpu,
        Threads = 1,
        Say = _said.Add,
    };
}
