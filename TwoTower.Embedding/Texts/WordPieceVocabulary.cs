using System.Text.RegularExpressions;
using Microsoft.ML.Tokenizers;
using TwoTower.Core;

namespace TwoTower.Embedding.Texts;

/// <summary>The tokenizers of BERT and its kin.</summary>
internal static partial class WordPieceVocabulary
{
    /// <summary>Of a <c>vocab.txt</c>: a token a line, its id the line's number from 0.</summary>
    /// <exception cref="InputException">It isn't UTF-8, or lacks a token that stands around texts.</exception>
    public static TextTokenizer FromLines(string path, ModelJson? config)
    {
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        using (var lines = new StringReader(Utf8File.Read(path)))
        {
            for (var id = 0; lines.ReadLine() is { } line; id++) ids.TryAdd(line, id);
        }

        // MPNet has BERT's words and RoBERTa's ends.
        var roberta = config?.Text("tokenizer_class")?.StartsWith("MPNet", StringComparison.Ordinal) == true;
        int Around(string member, string bert, string other) => IdOf(ids, config?.Text(member) ?? (roberta ? other : bert), path);
        var around = (new[] { Around("cls_token", "[CLS]", "<s>") }, new[] { Around("sep_token", "[SEP]", "</s>") });
        var rules = Rules(new() { Lower = true, StripMarks = true, Form = TextForm.Nfd, SplitCjk = true, Clean = true }, config);
        return Create(path, ids, rules, around, config, "[UNK]", "##", 100);
    }

    /// <summary>Of a <c>tokenizer.json</c>.</summary>
    /// <exception cref="InputException">It does something that isn't done here.</exception>
    public static TextTokenizer FromJson(TokenizerJson json, ModelJson? config)
    {
        json.RequireBertWords();
        return Create(
            json.Path, json.Vocabulary(), Rules(json.Rules(), config), json.Around(), config, json.Unknown ?? "[UNK]", json.ContinuingPrefix, json.MaxWord);
    }

    // What tokenizer_config.json says wins: Hugging Face does it so.
    private static TextRules Rules(TextRules rules, ModelJson? config)
    {
        var lower = config?.Flag("do_lower_case") ?? rules.Lower;
        var strip = config?.Flag("strip_accents") ?? (lower == rules.Lower ? rules.StripMarks : lower);
        return rules with
        {
            Lower = lower,
            StripMarks = strip,
            Form = strip ? TextForm.Nfd : rules.StripMarks ? TextForm.AsIs : rules.Form,
            SplitCjk = config?.Flag("tokenize_chinese_chars") ?? rules.SplitCjk,
        };
    }

    private static TextTokenizer Create(
        string path, Dictionary<string, int> ids, TextRules rules, (int[] Before, int[] After) around, ModelJson? config, string unknown,
        string prefix, int maxWord)
    {
        unknown = config?.Text("unk_token") ?? unknown;
        IdOf(ids, unknown, path);
        // The library reads lines; an id that no token has gets a token that no text has.
        var lines = Enumerable.Range(0, ids.Values.Max() + 1).Select(id => $"\uE000{id}").ToArray();
        foreach (var (token, id) in ids) lines[id] = token;
        using var stream = new MemoryStream(System.Text.Encoding.UTF8.GetBytes(string.Join('\n', lines)));
        var tokenizer = WordPieceTokenizer.Create(stream, new()
        {
            UnknownToken = unknown,
            ContinuingSubwordPrefix = prefix,
            MaxInputCharsPerWord = maxWord,
            PreTokenizer = new RegexPreTokenizer(BertWords(), null),
        });
        return new(rules, text => tokenizer.EncodeToIds(text), around.Before, around.After, ids.GetValueOrDefault(config?.Text("pad_token") ?? "[PAD]"));
    }

    private static int IdOf(Dictionary<string, int> ids, string token, string path) => ids.TryGetValue(token, out var id)
        ? id
        : throw new InputException($"{path} has no token {token}, which stands around texts or for unknown words: it isn't this model's vocabulary; name the right one with --tokenizer");

    // Punctuation marks, and what of ASCII BERT counts among them, are words of their own. The library's own pattern drops $ and +.
    [GeneratedRegex(@"[\p{P}$+<=>^`|~]|[^\s\p{P}$+<=>^`|~]+")]
    private static partial Regex BertWords();
}
