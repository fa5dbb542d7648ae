using System.Text.RegularExpressions;
using Microsoft.ML.Tokenizers;
using TwoTower.Core;

namespace TwoTower.Embedding.Texts;

/// <summary>The byte-level BPE tokenizers of RoBERTa, GPT-2 and their kin.</summary>
internal static class BytePairVocabulary
{
    private const string Gpt2Words = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    // A model's own pattern on a text that it doesn't expect.
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(30);

    /// <summary>Of a <c>vocab.json</c> and the <c>merges.txt</c> beside it.</summary>
    /// <exception cref="InputException">A file is missing or isn't what it should be.</exception>
    public static TextTokenizer FromFiles(string vocabulary, string merges, ModelJson? config)
    {
        if (!File.Exists(merges)) throw new InputException($"{vocabulary} is a BPE vocabulary, and {merges} isn't there: copy it beside it");
        var json = ModelJson.ReadIfThere(vocabulary)!;
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var entry in json.Root.EnumerateObject())
        {
            ids[entry.Name] = entry.Value.TryGetInt32(out var id) ? id : throw new InputException($"{vocabulary}: '{entry.Name}' has no whole number: it is no BPE vocabulary");
        }

        var lines = Utf8File.Read(merges).Split('\n').Select(line => line.TrimEnd('\r'))
            .Where(line => line.Length > 0 && !line.StartsWith("#version", StringComparison.Ordinal)).ToList();
        (int[], int[]) around = config?.Text("tokenizer_class")?.StartsWith("Roberta", StringComparison.Ordinal) == true
            ? ([IdOf("cls_token", "<s>")], [IdOf("sep_token", "</s>")])
            : throw new InputException($"{vocabulary}: what stands around texts isn't known without a tokenizer.json: copy the model's own beside it");
        return Create(vocabulary, ids, lines, null, config?.Flag("add_prefix_space") == true, new(), around, config, "<unk>");

        int IdOf(string member, string token) => ids.TryGetValue(config.Text(member) ?? token, out var id)
            ? id
            : throw new InputException($"{vocabulary} has no token {config.Text(member) ?? token}: it isn't this model's vocabulary");
    }

    /// <summary>Of a <c>tokenizer.json</c>.</summary>
    /// <exception cref="InputException">It does something that isn't done here.</exception>
    public static TextTokenizer FromJson(TokenizerJson json, ModelJson? config)
    {
        var pattern = json.BytePairPattern();
        return Create(
            json.Path, json.Vocabulary(), json.Merges(), pattern, json.AddPrefixSpace, json.Rules(), json.Around(), config, json.Unknown);
    }

    private static TextTokenizer Create(
        string path, Dictionary<string, int> ids, IReadOnlyList<string> merges, string? pattern, bool prefixSpace, TextRules rules,
        (int[] Before, int[] After) around, ModelJson? config, string? unknown)
    {
        try
        {
            var tokenizer = BpeTokenizer.Create(new BpeOptions(ids)
            {
                Merges = merges,
                ByteLevel = true,
                UnknownToken = unknown is not null && ids.ContainsKey(unknown) ? unknown : null,
                PreTokenizer = new RegexPreTokenizer(new Regex(pattern ?? Gpt2Words, RegexOptions.CultureInvariant, Longest), null),
            });
            return new(
                rules, text => tokenizer.EncodeToIds(prefixSpace ? ' ' + text : text), around.Before, around.After,
                ids.GetValueOrDefault(config?.Text("pad_token") ?? "<pad>"));
        }
        catch (Exception error) when (error is ArgumentException or InvalidOperationException or KeyNotFoundException or FormatException)
        {
            throw new InputException($"{path} is no BPE that Microsoft.ML.Tokenizers can load: {error.Message} Name another sentence model", error);
        }
    }
}
