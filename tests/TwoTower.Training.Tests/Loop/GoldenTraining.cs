using System.Text.Json;
using TwoTower.Core.Artifacts;
using TwoTower.Core.Configuration;
using TwoTower.Core.Features;
using TwoTower.Core.Formats;
using TwoTower.Testing;
using TwoTower.Training.Loop;
using TwoTower.Training.Samples;

namespace TwoTower.Training.Tests.Loop;

/// <summary>The golden world's optimiser steps: its vectors, its usable decisions in file order, its start weights, no dropout.</summary>
internal static class GoldenTraining
{
    public const int BatchSize = 64;

    public static JsonElement Model { get; } =
        JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Golden.Folder, "model.json"))).RootElement;

    public static Recipe Recipe { get; } = new()
    {
        Model = new() { Dropout = [0, 0] },
        Training = new() { BatchSize = BatchSize },
    };

    public static (TowerWeights User, TowerWeights Item) Start => Towers("weights_start.safetensors");

    public static (TowerWeights User, TowerWeights Item) Towers(string file) =>
        CheckpointStore.ReadTowers(SafetensorsFile.Read(Path.Combine(Golden.Folder, file)));

    public static TrainingSet Set { get; } = CreateSet();

    /// <summary>The rows of a step's batch: 64 at a time, starting over at the end.</summary>
    public static int[] Batch(int step) => [.. Enumerable.Range(step * BatchSize, BatchSize).Select(i => i % Set.Labels.Length)];

    public static FeatureMatrix Matrix(double[][] vectors, int denseDim)
    {
        List<float> dense = [], values = [];
        List<int> offsets = [0], indices = [];
        foreach (var vector in vectors)
        {
            dense.AddRange(vector[..denseDim].Select(x => (float)x));
            foreach (var (x, column) in vector[denseDim..].Select((x, column) => ((float)x, column)).Where(e => e.Item1 != 0))
            {
                indices.Add(column);
                values.Add(x);
            }

            offsets.Add(indices.Count);
        }

        return new(vectors.Length, denseDim, vectors[0].Length - denseDim, [.. dense], [.. offsets], [.. indices], [.. values]);
    }

    private static TrainingSet CreateSet()
    {
        var users = Golden.Strings("user_ids").Select(Guid.Parse).ToArray();
        var videos = Golden.Strings("video_ids").Select(Guid.Parse).ToArray();
        var usable = File.ReadLines(Path.Combine(Golden.Folder, "user_video_decisions.csv")).Skip(1).Select(line => line.Split(','))
            .Select(f => (User: Array.IndexOf(users, Guid.Parse(f[0])), Video: Array.IndexOf(videos, Guid.Parse(f[1])), Like: f[2] == "like"))
            .Where(d => d.User >= 0 && d.Video >= 0).ToArray();
        var samples = new SampleSet(
            users, videos, [.. usable.Select(d => d.User)], [.. usable.Select(d => d.Video)],
            [.. usable.Select(d => d.Like ? SampleType.Like : SampleType.Nope)], Golden.AsOf);
        return new(Matrix(Golden.Rows("user_vectors"), 9), Matrix(Golden.Rows("item_vectors"), 3), samples, 0.1, 42);
    }
}
