using System.Collections;
using System.Diagnostics;
using System.Globalization;
using TwoTower.Core.Artifacts;
using TwoTower.Core.Configuration;
using TwoTower.Core.Features;
using TwoTower.Core.Import;
using TwoTower.Core.Inference;
using TwoTower.Core.Releases;
using TwoTower.Trainer;

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

    public async Task RunAsync(IReadOnlyList<string> variants, CancellationToken ct)
    {
        var tables = CsvTableReader.Read(folder);
        var viewers = new HeldOutViewers(tables);
        Console.WriteLine(
            $"{Path.GetFileName(Path.TrimEndingDirectorySeparator(folder))}, {viewers.Count} held-out viewers, {viewers.Items:N0} videos ranked, recipe {recipe}, "
            + $"at most {epochs} epochs, seeds {string.Join(", ", seeds)}, {ComputeDevice.PhysicalCores()} cores\n");
        Console.WriteLine("| change | validation loss | accuracy | recall@20 | coverage@20 | train, s | samples/s | user tower, KB | a vector, B | encode, µs |");
        Console.WriteLine("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
        foreach (var variant in variants)
        {
            List<Row> rows = [];
            foreach (var seed in seeds) rows.Add(await RunAsync(viewers, variant, seed, ct));
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"| {(variant.Length == 0 ? "–" : $"`{variant}`")} | {rows.Average(row => row.Loss):0.0000} | {rows.Average(row => row.Accuracy):0.000} "
                + $"| {rows.Average(row => row.Recall):0.000} | {rows.Average(row => row.Coverage):0.000} | {rows.Average(row => row.Seconds):0.0} "
                + $"| {rows.Average(row => row.SamplesPerSecond):N0} | {rows[0].TowerBytes / 1024:N0} | {rows[0].Dim * sizeof(float):N0} | {rows.Min(row => row.EncodeMicroseconds):0} |"));
        }
    }

    private async Task<Row> RunAsync(HeldOutViewers viewers, string variant, int seed, CancellationToken ct)
    {
        string[] overrides = [.. variant.Length == 0 ? [] : new[] { variant }, $"training.epochs={epochs}", $"seed={seed}"];
        var watch = Stopwatch.StartNew();
        var result = await TrainJob.RunAsync(
            new TrainOptions
            {
                Recipe = RecipeReader.Read(recipe, overrides, new Hashtable()),
                Tables = viewers.Training,
                Register = false,
                Device = TrainingDevice.Cpu,
            },
            null, ct);
        var seconds = watch.Elapsed.TotalSeconds;
        var best = result.Checkpoint.Training.Epochs[result.Checkpoint.Training.BestEpoch - 1];
        var files = new ReleaseFileSet("tuning", ReleaseFiles.Build(result.Checkpoint, DateTimeOffset.UnixEpoch));
        using var user = UserTower.FromFiles(files);
        using var item = ItemTower.FromFiles(files);
        var (recall, coverage) = viewers.Measure(user, item);
        return new(
            best.ValidationLoss, best.ValidationAccuracy, recall, coverage, seconds, result.SamplesPerSecond,
            files[ArtifactNames.UserTower].Length, user.EmbeddingDim, EncodeMicroseconds(user, viewers));
    }

    // Median of single runs: a viewer's payload to an embedding, as a request does it.
    private static double EncodeMicroseconds(UserTower tower, HeldOutViewers viewers)
    {
        var payloads = PayloadBuilder.BuildUsers(viewers.Training, DateTimeOffset.MaxValue);
        var asOf = viewers.Training.Decisions.Max(decision => decision.CreatedAt);
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
        double Loss, double Accuracy, double Recall, double Coverage, double Seconds, double SamplesPerSecond, long TowerBytes, int Dim,
        double EncodeMicroseconds);
}
