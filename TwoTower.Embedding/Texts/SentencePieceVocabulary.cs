using Microsoft.ML.Tokenizers;
using TwoTower.Core;

namespace TwoTower.Embedding.Texts;

/// <summary>The tokenizers of XLM-RoBERTa, T5, Llama and their kin: SentencePiece, Unigram or BPE.</summary>
internal static class SentencePieceVocabulary
{
    /// <summary>Reads a SentencePiece model.</summary>
    /// <param name="path">The model file.</param>
    /// <param name="json">The <c>tokenizer.json</c> of the same model: it says which ids the network knows. Null: there is none.</param>
    /// <param name="config">The <c>tokenizer_config.json</c>; null: there is none.</param>
    /// <exception cref="InputException">It is none, or its ids in the network aren't known.</exception>
    public static TextTokenizer Read(string path, TokenizerJson? json, ModelJson? config)
    {
        byte[] content;
        SentencePieceTokenizer pieces;
        SentencePieceModel model;
        try
        {
            content = File.ReadAllBytes(path);
            model = SentencePieceModel.Parse(content, path);
            using var stream = new MemoryStream(content);
            pieces = SentencePieceTokenizer.Create(stream, addBeginningOfSentence: false, addEndOfSentence: false);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{path} can't be read: {error.Message}", error);
        }
        catch (Exception error) when (
            error is ArgumentException or InvalidOperationException or NotSupportedException or KeyNotFoundException)
        {
            throw new InputException($"{path} is no SentencePiece model that Microsoft.ML.Tokenizers can load: {error.Message} Name another sentence model", error);
        }

        var (map, unknown, around) = json is not null ? ByPiece(pieces, json) : ByClass(pieces, path, config);
        var rules = new TextRules
        {
            Form = model.Rules.Contains("nfkc", StringComparison.Ordinal) ? TextForm.Nfkc : TextForm.AsIs,
            Lower = model.Rules.EndsWith("_cf", StringComparison.Ordinal) || config?.Flag("do_lower_case") == true,
        };
        var padId = pieces.Vocabulary.TryGetValue(config?.Text("pad_token") ?? "<pad>", out var pad) ? map(pad) : around.Before.FirstOrDefault();
        return new(rules, text => Encode(pieces, model, text, map, unknown), around.Before, around.After, padId);
    }

    private static List<int> Encode(SentencePieceTokenizer pieces, SentencePieceModel model, string text, Func<int, int> map, int unknown)
    {
        // For BPE the library's own normalization drops a text of one character.
        var found = model.IsUnigram
            ? pieces.EncodeToIds(text, false, false)
            : pieces.EncodeToIds((model.AddPrefix ? "\u2581" : "") + text.Replace(' ', '\u2581'), false, false, considerNormalization: false);
        var ids = new List<int>(found.Count);
        foreach (var piece in found)
        {
            // Unknown characters in a row are one unknown token.
            var id = piece == pieces.UnknownId ? unknown : map(piece);
            if (id != unknown || ids is not [.., var last] || last != unknown) ids.Add(id);
        }

        return ids;
    }

    private static (Func<int, int> Map, int Unknown, (int[] Before, int[] After) Around) ByPiece(
        SentencePieceTokenizer pieces, TokenizerJson json)
    {
        var ids = json.Vocabulary();
        if (!ids.TryGetValue(pieces.UnknownToken, out var unknown)) throw json.Wrong($"has no token {pieces.UnknownToken} of the SentencePiece model beside it");
        var map = new int[pieces.Vocabulary.Values.Max() + 1];
        foreach (var (piece, id) in pieces.Vocabulary) map[id] = ids.GetValueOrDefault(piece, unknown);
        return (id => map[id], unknown, json.Around());
    }

    // What a network's ids are, where only the name of its class tells.
    private static (Func<int, int> Map, int Unknown, (int[] Before, int[] After) Around) ByClass(
        SentencePieceTokenizer pieces, string path, ModelJson? config)
    {
        var name = config?.Text("tokenizer_class") ?? "";
        int Piece(string token) => pieces.Vocabulary.TryGetValue(token, out var id)
            ? id
            : throw new InputException($"{path} has no piece {token}: it isn't the model of a {name}; name the right one with --tokenizer");
        Func<int, int> same = id => id;
        if (name.StartsWith("XLMRoberta", StringComparison.Ordinal)) return (id => id + 1, 3, ([0], [2])); // fairseq's: <s> <pad> </s> <unk>, then the pieces from the third
        if (name.StartsWith("T5", StringComparison.Ordinal)) return (same, pieces.UnknownId, ([], [Piece("</s>")]));
        if (name.StartsWith("Albert", StringComparison.Ordinal)) return (same, pieces.UnknownId, ([Piece("[CLS]")], [Piece("[SEP]")]));
        if (name.StartsWith("Llama", StringComparison.Ordinal) || name.StartsWith("Gemma", StringComparison.Ordinal))
        {
            int[] before = config?.Flag("add_bos_token") != false ? [pieces.BeginningOfSentenceId] : [];
            int[] after = config?.Flag("add_eos_token") == true ? [pieces.EndOfSentenceId] : [];
            return (same, pieces.UnknownId, (before, after));
        }

        throw new InputException(
            $"{path}: which ids the network knows its pieces by isn't known without the model's tokenizer.json"
            + (name.Length > 0 ? $" (tokenizer_class {name})" : "") + ": copy it beside it");
    }
}
