using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace TwoTower.Core.Tests.Bundles;

/// <summary>
/// A reader of bundles written from docs/contract.md alone: it uses nothing of TwoTower, and knows of a bundle what the bundle says of
/// itself.
/// </summary>
internal sealed class ContractReader : IDisposable
{
    private readonly JsonElement _schema, _normalizer, _meta;
    private readonly Dictionary<string, Dictionary<string, int>> _vocabularies = [];
    private readonly InferenceSession _tower;

    public ContractReader(string folder)
    {
        // Every hash first.
        foreach (var file in Read(folder, "manifest.json").GetProperty("files").EnumerateArray())
        {
            var content = File.ReadAllBytes(Path.Combine(folder, file.GetProperty("path").GetString()!));
            var hash = Convert.ToHexString(SHA256.HashData(content));
            if (!hash.Equals(file.GetProperty("sha256").GetString(), StringComparison.OrdinalIgnoreCase))
            {
                throw new InvalidDataException($"{file} isn't what the manifest says");
            }
        }

        (_schema, _normalizer, _meta) = (
            Read(folder, "feature_schema.json"), Read(folder, "normalizer.json"), Read(folder, "model_meta.json"));
        foreach (var segment in Segments)
        {
            if (!segment.TryGetProperty("vocabulary", out var name)) continue;
            _vocabularies[name.GetString()!] = Read(folder, name.GetString()!).GetProperty("tokens").EnumerateArray()
                .Select((token, column) => (token, column)).ToDictionary(
                    pair => pair.token.GetString()!, pair => pair.column, StringComparer.Ordinal);
        }

        _tower = new(Path.Combine(folder, "user_tower.onnx"));
    }

    public JsonElement Ranking => _meta.GetProperty("ranking");

    private JsonElement.ArrayEnumerator Segments => _schema.GetProperty("segments").EnumerateArray();

    public float[] Vector(JsonElement payload, DateTimeOffset asOf)
    {
        var vector = new float[_schema.GetProperty("input_dim").GetInt32()];
        var start = 0;
        foreach (var segment in Segments)
        {
            var columns = vector.AsSpan(start, segment.GetProperty("size").GetInt32());
            start += columns.Length;
            switch (segment.GetProperty("type").GetString())
            {
                case "standard_score":
                    var moments = _normalizer.GetProperty(segment.GetProperty("normalizer").GetString()!);
                    for (var i = 0; i < columns.Length; i++)
                    {
                        var fitted = moments.GetProperty(segment.GetProperty("features")[i].GetString()!);
                        var std = fitted.GetProperty("std").GetDouble();
                        if (std == 0) std = segment.GetProperty("zero_std").GetDouble();
                        var value = Formula(segment.GetProperty("formulas")[i].GetString()!, payload, asOf);
                        columns[i] = (float)((value - fitted.GetProperty("mean").GetDouble()) / std);
                    }

                    break;
                case "scaled_bucket":
                    columns[0] = (float)(
                        Number(payload, segment.GetProperty("payload").GetString()!) / segment.GetProperty("divisor").GetDouble());
                    break;
                case "l2_normalized_bow":
                    var vocabulary = _vocabularies[segment.GetProperty("vocabulary").GetString()!];
                    foreach (var token in At(payload, segment.GetProperty("payload").GetString()!)!.Value.EnumerateArray())
                    {
                        if (vocabulary.TryGetValue(token.GetString()!, out var column)) columns[column]++;
                    }

                    var norm = Math.Sqrt(columns.ToArray().Sum(count => (double)count * count));
                    for (var i = 0; norm > 0 && i < columns.Length; i++) columns[i] = (float)(columns[i] / norm);
                    break;
                case "pooled_history":
                    var sum = At(payload, segment.GetProperty("payload").GetString()!)!.Value.EnumerateArray().Select(value => value.GetSingle()).ToArray();
                    var divisor = segment.GetProperty("smoothing").GetDouble()
                        + segment.GetProperty("counts").EnumerateArray().Sum(count => Number(payload, count.GetString()!));
                    divisor = Math.Max(divisor, segment.GetProperty("least_divisor").GetDouble());
                    for (var i = 0; i < sum.Length; i++) columns[i] = sum[i] / (float)divisor;
                    break;
                case var unknown:
                    throw new InvalidDataException($"segment type {unknown}");
            }
        }

        return vector;
    }

    public float[] Embed(float[] vector)
    {
        using var results = _tower.Run(
            [NamedOnnxValue.CreateFromTensor(
                _schema.GetProperty("input_name").GetString()!, new DenseTensor<float>(vector, [1, vector.Length]))]);
        return [.. results[0].AsTensor<float>()];
    }

    /// <summary>The value that a candidate is ordered by.</summary>
    public double RankScore(double similarity, DateTimeOffset? releasedAt, double? price, DateTimeOffset asOf)
    {
        if (!Ranking.GetProperty("re_rank").GetBoolean()) return similarity;
        var score = Rule("similarity_weight") * similarity;
        if (releasedAt is { } released)
        {
            var days = (asOf - released).TotalSeconds / 86_400;
            score += days < 0 ? Rule("upcoming_boost") : Rule("recency_boost") * Math.Exp(-days / Rule("recency_days"));
        }

        return price switch
        {
            null => score,
            <= 0 => score + Rule("free_bonus"),
            { } paid when paid < Rule("cheap_below") => score + Rule("cheap_bonus"),
            { } paid when paid > Rule("dear_above") => score + Rule("dear_malus"),
            _ => score,
        };
    }

    public void Dispose() => _tower.Dispose();

    private double Rule(string name) => Ranking.GetProperty(name).GetDouble();

    // A path, or a function of two paths.
    private static double Formula(string formula, JsonElement payload, DateTimeOffset asOf)
    {
        var open = formula.IndexOf('(', StringComparison.Ordinal);
        if (open < 0) return Number(payload, formula);
        var paths = formula[(open + 1)..^1].Split(", ");
        switch (formula[..open])
        {
            case "days":
                return Time(paths[0]) is { } earlier && Time(paths[1]) is { } later ? (later - earlier).TotalSeconds / 86_400 : 0;
            case "ratio":
                var whole = Number(payload, paths[1]);
                return whole == 0 ? 0.5 : Math.Clamp(Number(payload, paths[0]) / whole, 0, 1);
            default:
                throw new InvalidDataException($"formula {formula}");
        }

        DateTimeOffset? Time(string path) => path == "as_of" ? asOf
            : At(payload, path)?.GetString() is { } text ? DateTimeOffset.Parse(
                text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal) : null;
    }

    private static double Number(JsonElement payload, string path) => At(payload, path)?.GetDouble() ?? 0;

    private static JsonElement? At(JsonElement payload, string path)
    {
        foreach (var key in path.Split('.'))
        {
            if (!payload.TryGetProperty(key, out payload) || payload.ValueKind == JsonValueKind.Null) return null;
        }

        return payload;
    }

    private static JsonElement Read(string folder, string name) => JsonDocument.Parse(
        File.ReadAllBytes(Path.Combine(folder, name))).RootElement;
}
