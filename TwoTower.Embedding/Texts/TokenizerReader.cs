using TwoTower.Core;

namespace TwoTower.Embedding.Texts;

/// <summary>Finds and reads a model's tokenizer: WordPiece, SentencePiece or byte-level BPE, as Hugging Face lays the files out.</summary>
internal static class TokenizerReader
{
    private const string Json = "tokenizer.json", Config = "tokenizer_config.json", Lines = "vocab.txt", Pairs = "vocab.json", Merges = "merges.txt";
    private static readonly string[] Pieces = ["sentencepiece.bpe.model", "sentencepiece.model", "spiece.model", "tokenizer.model"];

    /// <summary>What of a folder a tokenizer is read from, the first that is there first.</summary>
    public static readonly IReadOnlyList<string> Files = [Json, Lines, .. Pieces, Pairs];

    /// <summary>The file of a folder that a tokenizer is read from, or null.</summary>
    public static string? Find(string folder) => Files.Select(name => Path.Combine(folder, name)).FirstOrDefault(File.Exists);

    /// <summary>Reads a tokenizer.</summary>
    /// <param name="path">One of <see cref="Files"/>, or a file of their kind.</param>
    /// <returns>The tokenizer, and the files that say what it does.</returns>
    /// <exception cref="InputException">It isn't one, or is of a kind that isn't known here.</exception>
    public static (TextTokenizer Tokenizer, IReadOnlyList<string> From) Read(string path)
    {
        string Beside(string name) => Path.Combine(Path.GetDirectoryName(path)!, name);
        var config = ModelJson.ReadIfThere(Beside(Config));
        List<string> from = config is null ? [path] : [path, config.Path];
        switch (Path.GetFileName(path), Path.GetExtension(path))
        {
            case (Pairs, _):
                return (BytePairVocabulary.FromFiles(path, Beside(Merges), config), [.. from, Beside(Merges)]);
            case (_, ".json"):
                return ReadJson(path, Beside, config, from);
            case (_, ".txt"):
                return (WordPieceVocabulary.FromLines(path, config), from);
            case (_, ".model"):
                var json = ModelJson.ReadIfThere(Beside(Json));
                if (json is not null) from.Add(json.Path);
                return (SentencePieceVocabulary.Read(path, json is null ? null : new(json), config), from);
            default:
                throw new InputException($"--tokenizer {path} is no tokenizer that is known here: {string.Join(", ", Files)} are");
        }
    }

    private static (TextTokenizer Tokenizer, IReadOnlyList<string> From) ReadJson(
        string path, Func<string, string> beside, ModelJson? config, List<string> from)
    {
        var json = new TokenizerJson(ModelJson.ReadIfThere(path)!);
        try
        {
            switch (json.Kind)
            {
                case "WordPiece":
                    return (WordPieceVocabulary.FromJson(json, config), from);
                case "BPE" when Pieces.Select(beside).FirstOrDefault(File.Exists) is { } model:
                    return (SentencePieceVocabulary.Read(model, json, config), [.. from, model]);
                case "BPE":
                    return (BytePairVocabulary.FromJson(json, config), from);
                case "Unigram":
                    var pieces = Pieces.Select(beside).FirstOrDefault(File.Exists)
                        ?? throw new InputException($"{path} is of the kind Unigram, which is read from its SentencePiece model: copy {string.Join(", ", Pieces[..^1])} or {Pieces[^1]} beside it");
                    return (SentencePieceVocabulary.Read(pieces, json, config), [.. from, pieces]);
                case var kind:
                    throw json.Wrong($"is of the kind {kind}; WordPiece, BPE and Unigram are known here");
            }
        }
        catch (Exception error) when (
            error is InvalidOperationException or KeyNotFoundException or FormatException or IndexOutOfRangeException)
        {
            throw json.Wrong($"isn't laid out as a tokenizer's is ({error.Message})", error);
        }
    }
}
