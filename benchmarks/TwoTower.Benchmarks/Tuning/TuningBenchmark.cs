using System.Collections;
using System.Diagnostics;
using System.Globalization;
using TwoTower.Core.Artifacts;
using TwoTower.Core.Configuration;
using TwoTower.Core.Features;
using TwoTower.Core.Inference;
using TwoTower.Datasets.Import;
using TwoTower.Training;

namespace TwoTower.Benchmarks.Tuning;

/// <summary>One knob of the recipe at a time: what it does to quality, speed and sizes.</summary>
internal sealed class TuningBenchmark(string folder, string recipe, int epochs, IReadOnlyList<int> seeds)
{
    private const int Encodings = 2_000;

    /// <summary>The recipe as it is, then each knob of the contract below and above its default.</summary>
    public static readonly string[] Variants =
    [
        "", "model.embedding_dim=64", "model.embedding_dim=128", "model.embedding_dim=512",
        "features.max_tag_vocab=128", "features.max_tag_vocab=2048", "features.max_actress_vocab=64", "features.max_actress_vocab=1024",
        "samples.negative_sampling_ratio=1", "samples.negative_sampling_ratio=8",
        "samples.train_val_split=0.05", "samples.train_val_split=0.3",
        "model.hidden_dims=256,128", "model.hidden_dims=1024,512", "model.dropout=0,0", "model.dropout=0.4,0.3",
    ];

    /// <summary>Prints a table, a row a variant. Seed by seed, so that a variant and the recipe as it is (the first) run close to each
    /// other.</summary>
    public async Task RunAsync(IReadOnlyList<string> variants, CancellationToken ct)
    {
        var tables = CsvTableReader.Read(folder);
        var users = new HeldOutUserSet(tables);
        Console.WriteLine(
            $"{Path.GetFileName(Path.TrimEndingDirectorySeparator(folder))}, {users.Count} held-out users, {users.Items:N0} videos ranked, recipe {recipe}, "
            + $"at most {epochs} epochs, seeds {string.Join(", ", seeds)}, {ComputeDevice.PhysicalCores()} cores\n");
        var runs = variants.Select(_ => new List<Row>()).ToArray();
        foreach (var seed in seeds)
        {
            for (var i = 0; i < runs.Length; i++)
            {
                runs[i].Add(await RunAsync(users, variants[i], seed, ct));
                Console.Error.WriteLine($"seed {seed}, {Name(variants[i])}: {runs[i][^1]}");
            }
        }

        Console.WriteLine("| change | validation loss | accuracy | recall@20 | coverage@20 | samples | samples/s, ratio | tables → checkpoint, ratio | user tower, KB | a vector, B | encode, µs |");
        Console.WriteLine("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
        for (var i = 0; i < runs.Length; i++)
        {
            var rows = runs[i];
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"| {Name(variants[i])} | {rows.Average(row => row.Loss):0.0000} | {rows.Average(row => row.Accuracy):0.000} "
                + $"| {WithSpread(rows, row => row.Recall)} | {WithSpread(rows, row => row.Coverage)} | {rows.Average(row => row.Samples):N0} "
                + $"| {Ratio(rows, runs[0], row => row.SamplesPerSecond):0.00} | {Ratio(rows, runs[0], row => row.Seconds):0.00} "
                + $"| {rows[0].TowerBytes / 1024:N0} | {rows[0].Dim * sizeof(float):N0} | {rows.Min(row => row.EncodeMicroseconds):0} |"));
        }
    }

    private static string Name(string variant) => variant.Length == 0 ? "–" : $"`{variant}`";

    // Mean over the seeds ± half the distance between the smallest and the largest.
    private static string WithSpread(List<Row> rows, Func<Row, double> of) => string.Create(
        CultureInfo.InvariantCulture, $"{rows.Average(of):0.000} ± {(rows.Max(of) - rows.Min(of)) / 2:0.000}");

    // Median of the seeds' ratios to the recipe as it is: other work on the machine comes and goes.
    private static double Ratio(List<Row> rows, List<Row> unchanged, Func<Row, double> of)
    {
        var ratios = rows.Zip(unchanged, (row, without) => of(row) / of(without)).Order().ToArray();
        return (ratios[(ratios.Length - 1) / 2] + ratios[ratios.Length / 2]) / 2;
    }

    private async Task<Row> RunAsync(HeldOutUserSet users, string variant, int seed, CancellationToken ct)
    {
        string[] overrides = [.. variant.Length == 0 ? [] : new[] { variant }, $"training.epochs={epochs}", $"seed={seed}"];
        var watch = Stopwatch.StartNew();
        var result = await TrainJob.RunAsync(
            new TrainOptions
            {
                Recipe = RecipeReader.Read(recipe, overrides, new Hashtable()),
                Tables = users.Training,
                Register = false,
                Device = TrainingDevice.Cpu,
            },
            null, ct);
        var seconds = watch.Elapsed.TotalSeconds;
        var best = result.Checkpoint.Training.Epochs[result.Checkpoint.Training.BestEpoch - 1];
        var files = new ReleaseFileSet("tuning", ReleaseFiles.Build(result.Checkpoint, DateTimeOffset.UnixEpoch));
        using var user = UserTower.FromFiles(files);
        using var item = ItemTower.FromFiles(files);
        var (recall, coverage) = users.Measure(user, item);
        return new(
            best.ValidationLoss, best.ValidationAccuracy, recall, coverage, seconds, result.SamplesPerSecond!.Value,
            result.Checkpoint.Training.TrainingSamples + result.Checkpoint.Training.ValidationSamples,
            files[ArtifactNames.UserTower].Length, user.EmbeddingDim, EncodeMicroseconds(user, users));
    }

    // Median of single runs: a user's payload to an embedding, as a request does it.
    private static double EncodeMicroseconds(UserTower tower, HeldOutUserSet users)
    {
        var payloads = PayloadBuilder.BuildUsers(users.Training, DateTimeOffset.MaxValue);
        var asOf = users.Training.Decisions.Max(decision => decision.CreatedAt);
        var times = new double[Encodings];
        for (var i = 0; i < times.Length; i++)
        {
            var start = Stopwatch.GetTimestamp();
            tower.Encode(payloads[i % payloads.Count], asOf);
            times[i] = Stopwatch.GetElapsedTime(start).TotalMicroseconds;
        }

        Array.Sort(times);
        return times[times.Length / 2];
    }

    private sealed record Row(
        double Loss, double Accuracy, double Recall, double Coverage, double Seconds, double SamplesPerSecond, int Samples, long TowerBytes,
        int Dim, double EncodeMicroseconds);
}
