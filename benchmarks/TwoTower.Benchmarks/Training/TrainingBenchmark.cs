using System.Diagnostics;
using System.Globalization;
using TwoTower.Core.Configuration;
using TwoTower.Datasets.Import;
using TwoTower.Postgres.Connections;
using TwoTower.Training;
using TwoTower.Training.Loop;

namespace TwoTower.Benchmarks.Training;

/// <summary>Trains a recipe v2 for a fixed number of epochs. Each case has a process of its own: a peak of memory is a process's.</summary>
internal sealed class TrainingBenchmark(string? folder, string? connection, int epochs, int threads)
{
    private const string Header =
        "| shortcuts | batch | tables → checkpoint, s | samples/s | best validation loss (epoch) | accuracy | peak RSS, MB |\n"
        + "| --- | ---: | ---: | ---: | ---: | ---: | ---: |";

    public async Task<int> RunAsync(IReadOnlyList<string> cases, CancellationToken ct)
    {
        var workers = threads > 0 ? threads : ComputeDevice.PhysicalCores();
        Console.WriteLine($"{folder ?? "database"}, recipe v2, seed 42, {epochs} epochs, {workers} threads\n\n{Header}");
        foreach (var item in cases)
        {
            var start = new ProcessStartInfo(Environment.ProcessPath!) { UseShellExecute = false };
            if (Path.GetFileNameWithoutExtension(start.FileName) == "dotnet") start.ArgumentList.Add(typeof(TrainingBenchmark).Assembly.Location);
            string[] arguments =
            [
                "training", "--in-this-process", "--case", item, "--epochs", $"{epochs}", "--threads", $"{threads}",
                .. folder is null ? new[] { "--connection", connection! } : ["--data", folder],
            ];
            foreach (var argument in arguments) start.ArgumentList.Add(argument);
            using var process = Process.Start(start)!;
            await process.WaitForExitAsync(ct);
            if (process.ExitCode != 0) return process.ExitCode;
        }

        return 0;
    }

    public async Task<int> RunHereAsync(string item, CancellationToken ct)
    {
        var (shortcuts, batch) = Parse(item);
        await using var db = connection is null ? null : DataSources.Create(connection);
        var tables = folder is null ? null : CsvTableReader.Read(folder);
        var checkpoint = Path.Combine(Path.GetTempPath(), $"twotower-benchmark-{Environment.ProcessId}.safetensors");
        try
        {
            var watch = Stopwatch.StartNew();
            var result = await TrainJob.RunAsync(
                new TrainOptions
                {
                    // Exactly so many epochs: patience never runs out.
                    Recipe = new Recipe { Training = new() { Epochs = epochs, BatchSize = batch, EarlyStoppingPatience = epochs + 1 } },
                    Tables = tables,
                    Database = db,
                    Register = false,
                    Device = TrainingDevice.Cpu,
                    Threads = threads,
                    Shortcuts = shortcuts,
                    CheckpointPath = checkpoint,
                },
                null, ct);
            watch.Stop();
            var best = result.Checkpoint.Training.Epochs[result.Checkpoint.Training.BestEpoch - 1];
            using var process = Process.GetCurrentProcess();
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"| {shortcuts} | {batch} | {watch.Elapsed.TotalSeconds:0.0} | {result.SamplesPerSecond:N0} | {best.ValidationLoss:0.00000} ({best.Epoch}) "
                + $"| {best.ValidationAccuracy:0.000} | {process.PeakWorkingSet64 >> 20:N0} |"));
            return 0;
        }
        finally
        {
            File.Delete(checkpoint);
        }
    }

    private static (Shortcuts, int) Parse(string item) =>
        item.Split(':') is [var name, var size] && Enum.TryParse<Shortcuts>(name, ignoreCase: true, out var shortcuts)
            && int.TryParse(size, NumberStyles.None, CultureInfo.InvariantCulture, out var batch) && batch > 0
            ? (shortcuts, batch)
            : throw new Core.InputException($"--case {item}: write shortcuts:batch, such as shareddropout:2048.");
}
