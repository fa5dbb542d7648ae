using System.Runtime.InteropServices;
using Google.Protobuf;
using TwoTower.Core;
using TwoTower.Core.Artifacts;
using TwoTower.Core.Artifacts.Onnx;
using TwoTower.Core.Inference;
using TwoTower.Postgres.Releases;

namespace TwoTower.Postgres.Gate;

/// <summary>The gate's checks that need a release's files alone.</summary>
internal static class FileChecks
{
    // Single precision against double, over a few hundred products: 1e-6 is usual.
    private const float ProbeTolerance = 1e-4f;

    /// <summary>Every weight of the networks is a finite number.</summary>
    public static GateCheck Weights(ReleaseFileSet files)
    {
        var (tensors, numbers) = (0, 0L);
        foreach (var path in new[] { ArtifactNames.UserTower, ArtifactNames.ItemTower, ArtifactNames.HistoryTower }.Where(files.Contains))
        {
            ModelProto model;
            try
            {
                model = ModelProto.Parser.ParseFrom(files[path]);
            }
            catch (InvalidProtocolBufferException e)
            {
                return new("weights", false, $"{path} is not an ONNX network: {e.Message.TrimEnd('.')}");
            }

            foreach (var tensor in model.Graph?.Initializer ?? [])
            {
                var raw = tensor.RawData.Span;
                var values = tensor.DataType != 1
                    ? [] : raw.IsEmpty ? [.. tensor.FloatData] : MemoryMarshal.Cast<byte, float>(raw).ToArray();
                var wrong = values.Count(value => !float.IsFinite(value));
                if (wrong > 0) return new("weights", false, $"{path}: {wrong} of {values.Length} numbers of {tensor.Name} aren't finite");
                tensors++;
                numbers += values.Length;
            }
        }

        return new("weights", true, $"{numbers} numbers in {tensors} tensors are finite");
    }

    /// <summary>Both networks load, fit their schemas, and give as many numbers as the registry says.</summary>
    public static GateCheck Networks(ReleaseFileSet files, Release release)
    {
        try
        {
            using var user = UserTower.FromFiles(files);
            if (user.EmbeddingDim != release.EmbeddingDim)
            {
                return new("networks", false, $"the user tower gives {user.EmbeddingDim} numbers, the release says {release.EmbeddingDim}");
            }

            if (!files.Contains(ArtifactNames.ItemTower)) return new("networks", true, $"the user tower loads, {user.FeatureDim} → {user.EmbeddingDim}; there is no item tower");
            using var item = ItemTower.FromFiles(files);
            return item.EmbeddingDim == release.EmbeddingDim
                ? new("networks", true, $"both towers load, {user.FeatureDim} and {item.FeatureDim} → {item.EmbeddingDim}")
                : new("networks", false, $"the item tower gives {item.EmbeddingDim} numbers, the release says {release.EmbeddingDim}");
        }
        catch (InputException e)
        {
            return new("networks", false, e.Message.TrimEnd('.'));
        }
    }

    /// <summary>Both networks give what the trainer's weights gave.</summary>
    public static GateCheck Probes(ReleaseFileSet files)
    {
        if (!files.TryGet(ArtifactNames.Probes, out var json)) return new("probes", true, $"there is no {ArtifactNames.Probes}: not checked");
        try
        {
            var probes = ProbeSet.Parse(json, $"{ArtifactNames.Probes} of {files.Name}");
            using var user = UserTower.FromFiles(files);
            var users = probes.Users.Select(probe => Difference(user.Encode(probe.Payload, probes.AsOf), probe.Embedding)).ToList();
            var items = new List<float>();
            if (files.Contains(ArtifactNames.ItemTower))
            {
                using var item = ItemTower.FromFiles(files);
                var (embedding, history) = (new float[item.EmbeddingDim], new float[item.HistoryDim]);
                foreach (var probe in probes.Items)
                {
                    item.Encode([probe.Payload], embedding, default, history);
                    items.Add(Math.Max(Difference(embedding, probe.Embedding), Difference(history, probe.History ?? [])));
                }
            }

            return Wrong("user", users) ?? Wrong("item", items)
                ?? new("probes", true, FormattableString.Invariant($"{users.Count} users and {items.Count} items give what training gave, within {users.Concat(items).DefaultIfEmpty().Max():G2}"));
        }
        catch (InputException e)
        {
            return new("probes", false, e.Message.TrimEnd('.'));
        }
    }

    private static GateCheck? Wrong(string side, List<float> differences)
    {
        var wrong = differences.Count(difference => !(difference <= ProbeTolerance));
        return wrong == 0 ? null : new("probes", false, FormattableString.Invariant(
            $"the {side} tower isn't the one that was trained: {wrong} of {differences.Count} probes give other embeddings, by up to {differences.Max():G3}"));
    }

    private static float Difference(float[] actual, float[] expected)
    {
        if (actual.Length != expected.Length) return float.PositiveInfinity;
        var largest = 0f;
        for (var i = 0; i < actual.Length; i++) largest = Math.Max(largest, Math.Abs(actual[i] - expected[i]));
        return largest;
    }
}
