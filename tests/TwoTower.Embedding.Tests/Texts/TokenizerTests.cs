using Google.Protobuf;
using TwoTower.Core;
using TwoTower.Embedding.Texts;
using TwoTower.Testing;

namespace TwoTower.Embedding.Tests.Texts;

/// <summary>Tokenizers as Hugging Face lays them out, with vocabularies of a few words.</summary>
public sealed class TokenizerTests : IDisposable
{
    private static readonly string[] Bert = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "hello", "Hello", "world", "##s", ".", "$", "8", "日", "本", "cafe", "é", "[", "]"];
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private string Write(string name, string text)
    {
        File.WriteAllText(Path.Combine(_folder.Path, name), text);
        return Path.Combine(_folder.Path, name);
    }

    private TextTokenizer Read(string? file = null) => TokenizerReader.Read(file ?? TokenizerReader.Find(_folder.Path)!).Tokenizer;

    private string Refused(string? file = null) => Assert.Throws<InputException>(() => Read(file)).Message;

    private static int[] Ids(TextTokenizer tokenizer, string text) => tokenizer.Encode(text, 64)!.Value.Ids;

    private static int[] Bracketed(params string[] tokens) => [2, .. tokens.Select(token => Array.IndexOf(Bert, token)), 3];

    private static string BertJson(string normalizer = """{"type": "BertNormalizer", "lowercase": true, "strip_accents": null, "clean_text": true, "handle_chinese_chars": true}""") => $$$"""
        {
          "normalizer": {{{normalizer}}}, "pre_tokenizer": {"type": "BertPreTokenizer"},
          "post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "[CLS]"}}, {"Sequence": {"id": "A"}}, {"SpecialToken": {"id": "[SEP]"}}],
            "special_tokens": {"[CLS]": {"id": "[CLS]", "ids": [2]}, "[SEP]": {"id": "[SEP]", "ids": [3]} } },
          "model": {"type": "WordPiece", "unk_token": "[UNK]", "vocab": { {{{string.Join(", ", Bert.Select((token, id) => $"\"{token}\": {id}"))}}} }}
        }
        """;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void WordPiece_splits_as_BERT_does(bool json)
    {
        if (json) Write("tokenizer.json", BertJson());
        else Write("vocab.txt", string.Join("\r\n", Bert));
        var tokenizer = Read();
        Assert.Equal(TextForm.Nfd, tokenizer.Form);
        Assert.Equal(Bracketed("hello", "world", "##s", "."), Ids(tokenizer, "HELLO\tworlds."));
        Assert.Equal(Bracketed("$", "8", "hello"), Ids(tokenizer, "$8 hello"));
        Assert.Equal(Bracketed("日", "本", "hello"), Ids(tokenizer, "日本hello"));
        Assert.Equal(Bracketed("cafe"), Ids(tokenizer, "Cafe\u0301"));
        // What looks like a special token in somebody's title is none.
        Assert.Equal(Bracketed("[", "[UNK]", "]", "hello"), Ids(tokenizer, "[SEP] hello"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void The_configuration_says_whether_letters_become_small(bool json)
    {
        Write("tokenizer_config.json", """{"do_lower_case": false, "tokenize_chinese_chars": false}""");
        if (json) Write("tokenizer.json", BertJson());
        else Write("vocab.txt", string.Join('\n', Bert));
        var tokenizer = Read();
        Assert.Equal(TextForm.AsIs, tokenizer.Form);
        Assert.Equal(Bracketed("Hello", "hello", "é"), Ids(tokenizer, "Hello hello é"));
        Assert.Equal(Bracketed("[UNK]"), Ids(tokenizer, "日本"));
    }

    [Fact]
    public void MPNets_vocabulary_has_the_ends_of_RoBERTa()
    {
        Write("vocab.txt", "<s>\n<pad>\n</s>\n[UNK]\nhello");
        Write("tokenizer_config.json", """{"tokenizer_class": "MPNetTokenizer", "cls_token": {"content": "<s>"}}""");
        Assert.Equal([0, 4, 3, 2], Ids(Read(), "hello there"));
    }

    [Fact]
    public void A_file_that_is_no_vocabulary_is_refused_by_name()
    {
        File.WriteAllBytes(Path.Combine(_folder.Path, "vocab.txt"), [.. System.Text.Encoding.UTF8.GetBytes("[PAD]\n"), 0xE9, 0x0A]);
        Assert.Contains("vocab.txt isn't UTF-8 (byte 6)", Refused(), StringComparison.Ordinal);
        Write("vocab.txt", "hello\nworld");
        Assert.Contains("vocab.txt has no token [CLS]", Refused(), StringComparison.Ordinal);
        Assert.Contains("is no tokenizer that is known here: tokenizer.json, vocab.txt", Refused(Write("words.bin", "x")), StringComparison.Ordinal);
        Write("tokenizer.json", "{");
        Assert.Contains("tokenizer.json isn't JSON", Refused(), StringComparison.Ordinal);
        Write("tokenizer.json", """{"model": {"type": "WordLevel", "vocab": {"a": 0}}}""");
        Assert.Contains("is of the kind WordLevel; WordPiece, BPE and Unigram are known here", Refused(), StringComparison.Ordinal);
        Write("tokenizer.json", BertJson("""{"type": "Replace", "pattern": {"String": "a"}, "content": "b"}"""));
        Assert.Contains("has the normalizer Replace", Refused(), StringComparison.Ordinal);
        Write("tokenizer.json", """{"model": {"type": "Unigram", "vocab": [["<unk>", 0.0]]}}""");
        Assert.Contains("is read from its SentencePiece model: copy sentencepiece.bpe.model", Refused(), StringComparison.Ordinal);
        Assert.Contains("is no SentencePiece model", Refused(Write("tokenizer.model", "no model")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void SentencePiece_has_the_ids_that_the_network_knows(bool json)
    {
        File.WriteAllBytes(Path.Combine(_folder.Path, "sentencepiece.bpe.model"), SentencePiece(unigram: true));
        // XLM-RoBERTa's ids: <s> <pad> </s> <unk>, then the pieces from the third.
        Write("tokenizer_config.json", """{"tokenizer_class": "XLMRobertaTokenizer"}""");
        if (json)
        {
            Write("tokenizer.json", """
                {
                  "normalizer": {"type": "Precompiled"},
                  "post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {}}, {"SpecialToken": {"id": "</s>"}}],
                    "special_tokens": {"<s>": {"ids": [0]}, "</s>": {"ids": [2]}}},
                  "model": {"type": "Unigram", "unk_id": 3, "vocab": [["<s>", 0], ["<pad>", 0], ["</s>", 0], ["<unk>", 0], ["▁hello", -1], ["▁world", -2], ["▁", -3], ["s", -4], ["h", -5]]}
                }
                """);
        }

        var tokenizer = Read();
        Assert.Equal(TextForm.Nfkc, tokenizer.Form);
        Assert.Equal([0, 4, 5, 7, 2], Ids(tokenizer, " hello \u3000\u200b worlds"));
        // Unknown characters in a row are one token; a text of one character is a text.
        Assert.Equal([0, 4, 6, 3, 2], Ids(tokenizer, "hello xyz"));
        Assert.Equal([0, 6, 8, 2], Ids(tokenizer, "h"));
    }

    [Fact]
    public void SentencePiece_of_another_network_needs_to_be_told_its_ids()
    {
        var path = Path.Combine(_folder.Path, "spiece.model");
        File.WriteAllBytes(path, SentencePiece(unigram: true));
        Assert.Contains("isn't known without the model's tokenizer.json", Refused(), StringComparison.Ordinal);
        Write("tokenizer_config.json", """{"tokenizer_class": "CamembertTokenizer"}""");
        Assert.Contains("tokenizer_class CamembertTokenizer", Refused(), StringComparison.Ordinal);
        Write("tokenizer_config.json", """{"tokenizer_class": "T5Tokenizer"}""");
        Assert.Equal([3, 4, 2], Ids(Read(), "hello world"));
    }

    [Fact]
    public void SentencePiece_BPE_keeps_a_text_of_one_character()
    {
        File.WriteAllBytes(Path.Combine(_folder.Path, "tokenizer.model"), SentencePiece(unigram: false));
        Write("tokenizer_config.json", """{"tokenizer_class": "LlamaTokenizer", "add_bos_token": true, "add_eos_token": true}""");
        Assert.Equal([1, 5, 7, 2], Ids(Read(), "h"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Byte_level_BPE_merges_as_RoBERTa_does(bool json)
    {
        string[] tokens = ["<s>", "<pad>", "</s>", "<unk>", "h", "e", "l", "o", "Ġ", "w", "el", "lo", "ello", "hello", "Ġhello", "Ã", "©"];
        string[] merges = ["e l", "l o", "el lo", "h ello", "Ġ hello"];
        var vocabulary = $"{{ {string.Join(", ", tokens.Select((token, id) => $"\"{token}\": {id}"))} }}";
        if (json)
        {
            Write("tokenizer.json", $$"""
                {
                  "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "use_regex": true},
                  "post_processor": {"type": "RobertaProcessing", "sep": ["</s>", 2], "cls": ["<s>", 0]},
                  "model": {"type": "BPE", "unk_token": null, "vocab": {{vocabulary}}, "merges": [{{string.Join(", ", merges.Select(merge => $"\"{merge}\""))}}]}
                }
                """);
        }
        else
        {
            Write("vocab.json", vocabulary);
            Assert.Contains("merges.txt isn't there", Refused(), StringComparison.Ordinal);
            Write("merges.txt", "#version: 0.2\n" + string.Join('\n', merges));
            Assert.Contains("isn't known without a tokenizer.json", Refused(), StringComparison.Ordinal);
            Write("tokenizer_config.json", """{"tokenizer_class": "RobertaTokenizer"}""");
        }

        var tokenizer = Read();
        Assert.Equal([0, 13, 14, 2], Ids(tokenizer, "hello\n hello"));
        Assert.Equal([0, 15, 16, 8, 9, 10, 2], Ids(tokenizer, "é wel"));
    }

    // The pieces <unk> <s> </s> ▁hello ▁world ▁ s h as a model file has them (sentencepiece_model.proto).
    private static byte[] SentencePiece(bool unigram)
    {
        (string Piece, float Score, int Type)[] pieces =
            [("<unk>", 0, 2), ("<s>", 0, 3), ("</s>", 0, 3), ("▁hello", -1, 1), ("▁world", -2, 1), ("▁", -3, 1), ("s", -4, 1), ("h", -5, 1)];
        return Message(output =>
        {
            foreach (var piece in pieces)
            {
                Part(output, 1, part =>
                {
                    part.WriteTag(1, WireFormat.WireType.LengthDelimited);
                    part.WriteString(piece.Piece);
                    part.WriteTag(2, WireFormat.WireType.Fixed32);
                    part.WriteFloat(piece.Score);
                    part.WriteTag(3, WireFormat.WireType.Varint);
                    part.WriteInt32(piece.Type);
                });
            }

            Part(output, 2, part =>
            {
                part.WriteTag(3, WireFormat.WireType.Varint);
                part.WriteInt32(unigram ? 1 : 2);
            });
            Part(output, 3, part =>
            {
                part.WriteTag(1, WireFormat.WireType.LengthDelimited);
                part.WriteString("nmt_nfkc");
            });
        });
    }

    private static void Part(CodedOutputStream output, int field, Action<CodedOutputStream> write)
    {
        output.WriteTag(field, WireFormat.WireType.LengthDelimited);
        output.WriteBytes(ByteString.CopyFrom(Message(write)));
    }

    private static byte[] Message(Action<CodedOutputStream> write)
    {
        using var memory = new MemoryStream();
        using (var output = new CodedOutputStream(memory, leaveOpen: true)) write(output);
        return memory.ToArray();
    }
}
