using System.Collections;
using System.Diagnostics;
using TwoTower.Core.Configuration;
using TwoTower.Datasets.Import;
using TwoTower.Training;
using TwoTower.Training.Loop;

namespace TwoTower.Benchmarks.Training;

/// <summary>Trains recipe v3 and says how long each stage took; benchmarks/pytorch/histories.py is the same arithmetic in
/// PyTorch.</summary>
internal static class HistoriesBenchmark
{
    // The closedForm is the sum of its parts.
    private static readonly string[] Stages = ["features", "linear model", "factors", "taste factors", "distillation", "epochs", "item vectors"];

    public static async Task RunAsync(string folder, string recipeName, IReadOnlyList<string> settings, int threads, CancellationToken ct)
    {
        var recipe = RecipeReader.Read(recipeName, settings, new Hashtable());
        var table = new StageTable();
        var reading = Stopwatch.StartNew();
        var tables = CsvTableReader.Read(folder);
        table.Add("read the tables", tables.Decisions.Count, reading.Elapsed);

        var seconds = new Dictionary<string, TimeSpan>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == TrainingTelemetry.Name,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = activity => seconds[activity.OperationName] = activity.Duration,
        };
        ActivitySource.AddActivityListener(listener);
        var watch = Stopwatch.StartNew();
        var result = await TrainJob.RunAsync(
            new TrainOptions { Recipe = recipe, Tables = tables, Register = false, Device = TrainingDevice.Cpu, Threads = threads }, null,
            ct);
        watch.Stop();

        var training = result.Checkpoint.Training;
        foreach (var stage in Stages)
        {
            table.Add(stage, stage == "epochs" ? (long)training.Epochs.Count * training.TrainingSamples : training.Users, seconds[stage]);
        }

        table.Add("tables → checkpoint", training.Users, watch.Elapsed);
        Console.WriteLine($"{folder}, recipe {recipe.Name}, {training.Epochs.Count} epochs of {training.TrainingSamples:N0} histories\n\n{table}");
    }
}
