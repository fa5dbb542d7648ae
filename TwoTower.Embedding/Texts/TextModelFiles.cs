using System.Security.Cryptography;
using TwoTower.Core;

namespace TwoTower.Embedding.Texts;

/// <summary>A sentence model on disk, laid out as Hugging Face and sentence-transformers export it.</summary>
internal sealed class TextModelFiles
{
    private const int DefaultTokens = 512;

    // Their first positions stand for padding.
    private static readonly string[] ShiftedPositions = ["roberta", "xlm-roberta", "camembert", "mpnet"];
    private readonly string _folder;

    private TextModelFiles(string network, string folder, string tokenizer) => (Network, _folder, Tokenizer) = (network, folder, tokenizer);

    /// <summary>The <c>.onnx</c> file.</summary>
    public string Network { get; }

    /// <summary>The file that the tokenizer is read from.</summary>
    public string Tokenizer { get; }

    /// <summary>Finds the files.</summary>
    /// <param name="model">A folder, or an <c>.onnx</c> file.</param>
    /// <param name="tokenizer">A tokenizer's file or folder; null: beside the network, or in the folder above <c>onnx/</c>.</param>
    /// <exception cref="InputException">There is no network, or no tokenizer.</exception>
    public static TextModelFiles Find(string model, string? tokenizer)
    {
        model = Path.GetFullPath(model);
        var network = Directory.Exists(model) ? NetworkOf(model)
            : File.Exists(model) ? model : throw new InputException($"--model {model}: there is no such file or folder");
        var beside = Path.GetDirectoryName(network)!;
        var folder = Path.GetFileName(beside) == "onnx" && TokenizerReader.Find(beside) is null ? Path.GetDirectoryName(beside)! : beside;
        return new(network, folder, TokenizerOf(folder, tokenizer));
    }

    /// <summary>Tokens of a text, those around it too.</summary>
    /// <param name="asked">How many at most; null: as the model's files say.</param>
    /// <exception cref="InputException">The model takes fewer.</exception>
    public int MaxTokens(int? asked)
    {
        var config = Json("config.json");
        int? positions = config?.Length("max_position_embeddings") is { } length
            ? ShiftedPositions.Contains(config.Text("model_type")) ? length - 2 : length
            : null;
        if (asked > positions) throw new InputException($"--max-tokens {asked}: the model takes {positions} at most ({config!.Path})");
        if (asked is not null) return asked.Value;
        int?[] known =
        [
            positions, Json("sentence_bert_config.json")?.Length("max_seq_length"), Json("tokenizer_config.json")?.Length("model_max_length"),
            Json("tokenizer.json")?.Length("truncation", "max_length"),
        ];
        return known.Min() ?? DefaultTokens;
    }

    /// <summary>How <c>1_Pooling/config.json</c> says that tokens become one vector; null: nobody says.</summary>
    /// <exception cref="InputException">In a way that isn't done here.</exception>
    public Pooling? PoolingOfFolder()
    {
        if (Json("1_Pooling", "config.json") is not { } json) return null;
        var ways = json.Root.EnumerateObject().Where(entry => entry.Name.StartsWith("pooling_mode", StringComparison.Ordinal))
            .Select(entry => entry.Value.ValueKind switch
            {
                System.Text.Json.JsonValueKind.True => entry.Name["pooling_mode_".Length..],
                System.Text.Json.JsonValueKind.String => entry.Value.GetString(),
                _ => null,
            }).Where(way => way is not null).ToList();
        return ways switch
        {
            ["mean_tokens" or "mean"] => Pooling.Mean,
            ["cls_token" or "cls"] => Pooling.Cls,
            _ => throw new InputException(
                $"{json.Path} pools by {(ways.Count == 0 ? "nothing" : string.Join(" and ", ways))}; mean_tokens and cls_token are known here: "
                + "export the model with an output sentence_embedding, or say --pooling mean"),
        };
    }

    /// <summary>Refuses a model with layers that its network doesn't hold.</summary>
    /// <exception cref="InputException"><c>modules.json</c> names one.</exception>
    public void RequireNoMoreLayers()
    {
        var path = Path.Combine(_folder, "modules.json");
        if (!File.Exists(path)) return;
        var text = Utf8File.Read(path);
        foreach (var layer in new[] { "Dense", "LSTM", "CNN", "WordWeights", "LayerNorm" })
        {
            if (!text.Contains($".{layer}\"", StringComparison.Ordinal)) continue;
            throw new InputException($"{path} has a layer {layer} after the pooling, which {Network} doesn't hold: export the model with an output sentence_embedding");
        }
    }

    /// <summary>SHA-256 of all that a vector depends on, in hexadecimal; of another model or other settings it is another.</summary>
    /// <param name="settings">What else it depends on.</param>
    public string Fingerprint(IEnumerable<string> tokenizerFiles, string settings, CancellationToken ct)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var name = Path.GetFileName(Network);
        // Weights of large networks lie beside them.
        var weights = Directory.EnumerateFiles(Path.GetDirectoryName(Network)!).Where(file =>
            Path.GetFileName(file).StartsWith(name, StringComparison.Ordinal) && file != Network).Order(StringComparer.Ordinal);
        foreach (var file in new[] { Network }.Concat(weights).Concat(tokenizerFiles))
        {
            ct.ThrowIfCancellationRequested();
            using var stream = File.OpenRead(file);
            hash.AppendData(SHA256.HashData(stream));
        }

        hash.AppendData(System.Text.Encoding.UTF8.GetBytes(settings));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private ModelJson? Json(params string[] name) => ModelJson.ReadIfThere(Path.Combine([_folder, .. name]));

    private static string NetworkOf(string folder)
    {
        string[] usual = [Path.Combine(folder, "model.onnx"), Path.Combine(folder, "onnx", "model.onnx")];
        if (usual.FirstOrDefault(File.Exists) is { } found) return found;
        var onnx = Path.Combine(folder, "onnx");
        List<string> others = [.. Directory.EnumerateFiles(folder, "*.onnx"), .. Directory.Exists(onnx) ? Directory.EnumerateFiles(onnx, "*.onnx") : []];
        return others switch
        {
            [var only] => only,
            [] => throw new InputException($"--model {folder} has no model.onnx and no onnx/model.onnx: export the model to ONNX (optimum-cli export onnx), or name the file"),
            _ => throw new InputException(
                $"--model {folder} has {others.Count} .onnx files and none is model.onnx: name one of {string.Join(", ", others.Select(Path.GetFileName).Order())}"),
        };
    }

    private static string TokenizerOf(string folder, string? given)
    {
        if (given is null)
        {
            return TokenizerReader.Find(folder)
                ?? throw new InputException($"{folder} has no tokenizer ({string.Join(", ", TokenizerReader.Files)}): copy the model's own there, or name it with --tokenizer");
        }

        given = Path.GetFullPath(given);
        if (File.Exists(given)) return given;
        if (!Directory.Exists(given)) throw new InputException($"--tokenizer {given}: there is no such file or folder");
        return TokenizerReader.Find(given) ?? throw new InputException($"--tokenizer {given} has none of {string.Join(", ", TokenizerReader.Files)}");
    }
}
