using System.Text.Json;
using TwoTower.Core;

namespace TwoTower.Embedding.Texts;

/// <summary>What a Hugging Face <c>tokenizer.json</c> says.</summary>
internal sealed class TokenizerJson(ModelJson json)
{
    /// <summary>The file.</summary>
    public string Path => json.Path;

    /// <summary>The kind of model: WordPiece, BPE, Unigram.</summary>
    /// <exception cref="InputException">There is none.</exception>
    public string Kind => json.Text("model", "type")
        ?? (json.Get("model", "merges") is not null ? "BPE" : json.Get("model", "vocab")?.ValueKind switch
        {
            JsonValueKind.Array => "Unigram",
            JsonValueKind.Object => "WordPiece",
            _ => throw Wrong("has no model with a vocab"),
        });

    /// <summary>The token that stands for what the vocabulary lacks, or null.</summary>
    public string? Unknown => json.Text("model", "unk_token");

    /// <summary>What a continued word's token begins with.</summary>
    public string ContinuingPrefix => json.Text("model", "continuing_subword_prefix") ?? "##";

    /// <summary>A longer word is unknown as a whole.</summary>
    public int MaxWord => json.Length("model", "max_input_chars_per_word") ?? 100;

    /// <summary>Whether the byte-level BPE puts a space before a text.</summary>
    public bool AddPrefixSpace { get; private set; }

    /// <summary>Ids by token, added ones too.</summary>
    /// <exception cref="InputException">The vocabulary isn't one.</exception>
    public Dictionary<string, int> Vocabulary()
    {
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        try
        {
            switch (json.Get("model", "vocab"))
            {
                case { ValueKind: JsonValueKind.Object } map:
                    foreach (var entry in map.EnumerateObject()) ids[entry.Name] = entry.Value.GetInt32();
                    break;
                case { ValueKind: JsonValueKind.Array } list: // Unigram: pieces with their scores
                    foreach (var piece in list.EnumerateArray()) ids[piece[0].GetString()!] = ids.Count;
                    break;
                default:
                    throw Wrong("has no model with a vocab");
            }

            foreach (var token in json.Get("added_tokens")?.EnumerateArray() ?? default)
            {
                ids[token.GetProperty("content").GetString()!] = token.GetProperty("id").GetInt32();
            }
        }
        catch (Exception error) when (error is InvalidOperationException or KeyNotFoundException or FormatException)
        {
            throw Wrong("has a vocabulary that can't be read", error);
        }

        return ids;
    }

    /// <summary>The merges of a BPE, "a b" each.</summary>
    /// <exception cref="InputException">There are none.</exception>
    public IReadOnlyList<string> Merges() =>
    [
        .. (json.Get("model", "merges") ?? throw Wrong("has no merges")).EnumerateArray().Select(merge =>
            merge.ValueKind == JsonValueKind.Array ? $"{merge[0].GetString()} {merge[1].GetString()}" : merge.GetString()!),
    ];

    /// <summary>What its normalizer does.</summary>
    /// <exception cref="InputException">It does something that isn't done here.</exception>
    public TextRules Rules() => Parts("normalizer", "normalizers").Aggregate(new TextRules(), (rules, part) => ModelJson.Get(part, "type")?.GetString() switch
    {
        "BertNormalizer" => Bert(rules, part),
        "Lowercase" => rules with { Lower = true },
        "StripAccents" => rules with { StripMarks = true, Form = TextForm.Nfd },
        "NFC" => rules with { Form = TextForm.Nfc },
        "NFD" => rules with { Form = TextForm.Nfd },
        "NFKD" => rules with { Form = TextForm.Nfkd },
        "NFKC" or "Precompiled" => rules with { Form = TextForm.Nfkc },
        // Blanks: as everywhere here. What begins a text, and spaces inside it, are SentencePiece's own.
        "Strip" or "Nmt" or "Prepend" => rules,
        "Replace" when (ModelJson.Get(part, "pattern", "String") ?? ModelJson.Get(part, "pattern", "Regex"))?.GetString() is " " or " {2,}" or @"\s+" or @"\s{2,}" => rules,
        var kind => throw Wrong($"has the normalizer {kind}, which isn't known here; BertNormalizer, Lowercase, StripAccents, NFC, NFD, NFKC, NFKD and Precompiled are"),
    });

    /// <summary>The ids before and after every text.</summary>
    /// <exception cref="InputException">The post-processor isn't known.</exception>
    public (int[] Before, int[] After) Around()
    {
        var around = ((int[])[], (int[])[]);
        foreach (var part in Parts("post_processor", "processors"))
        {
            switch (ModelJson.Get(part, "type")?.GetString())
            {
                case "BertProcessing" or "RobertaProcessing":
                    around = ([part.GetProperty("cls")[1].GetInt32()], [part.GetProperty("sep")[1].GetInt32()]);
                    break;
                case "TemplateProcessing":
                    around = Template(part);
                    break;
                case "ByteLevel":
                    break;
                case var kind:
                    throw Wrong($"has the post-processor {kind}, which isn't known here; BertProcessing, RobertaProcessing and TemplateProcessing are");
            }
        }

        return around;
    }

    /// <summary>The pattern that splits a text for a byte-level BPE; null: GPT-2's.</summary>
    /// <exception cref="InputException">The words are found in another way.</exception>
    public string? BytePairPattern()
    {
        string? pattern = null;
        var byteLevel = false;
        foreach (var part in Parts("pre_tokenizer", "pretokenizers"))
        {
            switch (ModelJson.Get(part, "type")?.GetString())
            {
                case "ByteLevel":
                    byteLevel = true;
                    AddPrefixSpace = ModelJson.Get(part, "add_prefix_space")?.ValueKind == JsonValueKind.True;
                    break;
                case "Split" when pattern is null && ModelJson.Get(part, "pattern", "Regex")?.GetString() is { } regex
                    && ModelJson.Get(part, "behavior")?.GetString() == "Isolated":
                    pattern = regex;
                    break;
                case var kind:
                    throw Wrong($"has the pre-tokenizer {kind}, which isn't known here for BPE; ByteLevel and Split with a pattern are");
            }
        }

        return byteLevel ? pattern : throw Wrong("is a BPE that isn't byte-level; give its SentencePiece model (tokenizer.model) with --tokenizer");
    }

    /// <summary>Refuses words that are found in another way than BERT's.</summary>
    /// <exception cref="InputException">They are.</exception>
    public void RequireBertWords()
    {
        if (Parts("pre_tokenizer", "pretokenizers").ConvertAll(part => ModelJson.Get(part, "type")?.GetString()) is not ["BertPreTokenizer"] and var kinds)
        {
            throw Wrong($"has the pre-tokenizer {string.Join(", ", kinds)}; for WordPiece BertPreTokenizer was expected");
        }
    }

    /// <summary>An error that names the file.</summary>
    public InputException Wrong(string what, Exception? inner = null) => new($"{json.Path} {what}: name another sentence model", inner!);

    private static TextRules Bert(TextRules rules, JsonElement part)
    {
        var lower = ModelJson.Get(part, "lowercase")?.ValueKind != JsonValueKind.False;
        var strip = ModelJson.Get(part, "strip_accents")?.ValueKind is { } given ? given == JsonValueKind.True : lower;
        return rules with
        {
            Lower = lower,
            StripMarks = strip,
            Form = strip ? TextForm.Nfd : rules.Form,
            SplitCjk = ModelJson.Get(part, "handle_chinese_chars")?.ValueKind != JsonValueKind.False,
            Clean = ModelJson.Get(part, "clean_text")?.ValueKind != JsonValueKind.False,
        };
    }

    private (int[] Before, int[] After) Template(JsonElement part)
    {
        var (before, after, seen) = (new List<int>(), new List<int>(), false);
        foreach (var piece in part.GetProperty("single").EnumerateArray())
        {
            if (piece.TryGetProperty("Sequence", out _)) seen = true;
            else if (ModelJson.Get(piece, "SpecialToken", "id")?.GetString() is { } token && ModelJson.Get(part, "special_tokens", token, "ids") is { } ids)
            {
                (seen ? after : before).AddRange(ids.EnumerateArray().Select(id => id.GetInt32()));
            }
            else throw Wrong("has a template that can't be read");
        }

        return ([.. before], [.. after]);
    }

    // One, or a sequence of them, or none.
    private List<JsonElement> Parts(string member, string list)
    {
        if (json.Get(member) is not { } whole) return [];
        return ModelJson.Get(whole, "type")?.GetString() == "Sequence" ? [.. whole.GetProperty(list).EnumerateArray()] : [whole];
    }
}
