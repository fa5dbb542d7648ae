using TwoTower.Core;
using TwoTower.Embedding.Texts;
using TwoTower.Testing;

namespace TwoTower.Embedding.Tests.Texts;

/// <summary>Sentence models that look words up: what their vectors must be is worked out by hand.</summary>
public sealed class TextModelTests : IDisposable
{
    private static readonly TestTextModel Words = new()
    {
        Words = new Dictionary<string, float[]>
        {
            ["[CLS]"] = [0, 0, 2],
            ["[SEP]"] = [0, 0, 1],
            ["red"] = [3, 0, 0],
            ["car"] = [0, 4, 0],
            ["##s"] = [0, 0, -3],
            ["."] = [1, 1, 1],
        },
    };

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private string PathOf(string name) => Path.Combine(_folder.Path, name);

    private void Write(string name, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(PathOf(name))!);
        File.WriteAllText(PathOf(name), text);
    }

    private TextModel Load(EmbedTextOptions? options = null) => TextModel.Load((options ?? new() { Model = "" }) with { Model = options?.Model ?? _folder.Path }, default);

    private InputException Refused(EmbedTextOptions? options = null) => Assert.Throws<InputException>(() => Load(options).Dispose());

    private static float[] Vector(TextModel model, string text) =>
        Assert.Single(model.Encode([model.Tokenize(text)!.Value.Ids], 1, default))!;

    private static void AssertNear(float[] expected, float[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (var n = 0; n < expected.Length; n++) Assert.Equal(expected[n], actual[n], 1e-6);
    }

    [Fact]
    public void A_sentence_has_the_mean_of_its_words_vectors_at_length_1()
    {
        Words.Write(_folder.Path);
        using var model = Load();
        Assert.Equal((3, Pooling.Mean), (model.Dim, model.Pooling));

        // [CLS] red car ##s [SEP]: (3, 4, 2 - 3 + 1) = (3, 4, 0), and that is 5 long.
        AssertNear([0.6f, 0.8f, 0], Vector(model, "Red  CARS"));

        // The full stop is a word of its own: (4, 5, 1), of length √42.
        AssertNear([4 / MathF.Sqrt(42), 5 / MathF.Sqrt(42), 1 / MathF.Sqrt(42)], Vector(model, "red\ncars."));
    }

    [Fact]
    public void What_fills_a_batch_changes_no_vector()
    {
        Words.Write(_folder.Path);
        using var model = Load();
        string[] texts = ["red", "red car cars . red", "car", "cars cars cars cars cars cars red", "red car"];
        var together = model.Encode([.. texts.Select(text => model.Tokenize(text)!.Value.Ids)], 3, default);
        for (var n = 0; n < texts.Length; n++) AssertNear(Vector(model, texts[n]), together[n]!);
    }

    [Theory]
    [InlineData("cls", "Cls", 0, 0, 1)]
    [InlineData("mean_tokens", "Mean", 1, 0, 1)]
    public void The_folder_says_how_tokens_become_one_vector(string way, string expected, float x, float y, float z)
    {
        Words.Write(_folder.Path);
        Write("1_Pooling/config.json", $$"""{"word_embedding_dimension": 3, "pooling_mode_cls_token": {{(way == "cls" ? "true" : "false")}}, "pooling_mode_mean_tokens": {{(way == "cls" ? "false" : "true")}}}""");
        using var model = Load();
        Assert.Equal(expected, model.Pooling.ToString());
        var length = MathF.Sqrt(x * x + y * y + z * z);
        AssertNear([x / length, y / length, z / length], Vector(model, "red"));
    }

    [Fact]
    public void A_networks_own_sentence_embedding_is_taken_unless_another_way_is_asked_for()
    {
        (Words with { Sentence = true, Output = "token_embeddings", TokenTypes = false }).Write(_folder.Path, "onnx/model.onnx");
        using (var own = Load())
        {
            Assert.Equal(Pooling.Sentence, own.Pooling);
            AssertNear([0.6f, 0.8f, 0], Vector(own, "red cars"));
        }

        using var cls = Load(new() { Model = PathOf("onnx/model.onnx"), Pooling = Pooling.Cls });
        AssertNear([0, 0, 1], Vector(cls, "red cars"));
    }

    [Fact]
    public void A_text_that_is_too_long_loses_its_end_and_says_so()
    {
        Words.Write(_folder.Path);
        Write("sentence_bert_config.json", """{"max_seq_length": 4}""");
        Write("config.json", """{"max_position_embeddings": 16}""");
        using var model = Load();
        Assert.Equal(4, model.MaxTokens);
        Assert.Equal((false, true), (model.Tokenize("red car")!.Value.IsCut, model.Tokenize("red car red")!.Value.IsCut));
        AssertNear(Vector(model, "red car"), Vector(model, "red car . . . ."));
        using var longer = Load(new() { Model = _folder.Path, MaxTokens = 16 });
        Assert.False(longer.Tokenize("red car red")!.Value.IsCut);
        Assert.NotEqual(model.Fingerprint, longer.Fingerprint);

        Assert.Contains("--max-tokens 17: the model takes 16 at most", Refused(new() { Model = _folder.Path, MaxTokens = 17 }).Message, StringComparison.Ordinal);
        Assert.Contains("2 stand around every text", Refused(new() { Model = _folder.Path, MaxTokens = 2 }).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_text_of_unknown_words_has_the_unknown_words_vector_and_one_of_zeros_has_none()
    {
        TestTextModel.OfAxes("red", "car").Write(_folder.Path);
        using var model = Load();
        Assert.Null(model.Tokenize(" \n\u200b\u3000"));
        Assert.Null(Assert.Single(model.Encode([model.Tokenize("blue boats")!.Value.Ids], 4, default)));
    }

    [Fact]
    public void What_is_no_sentence_model_is_one_line_that_says_what_helps()
    {
        Assert.Contains("there is no such file or folder", Refused(new() { Model = PathOf("nothing") }).Message, StringComparison.Ordinal);
        Assert.Contains("has no model.onnx and no onnx/model.onnx", Refused().Message, StringComparison.Ordinal);

        Words.Write(_folder.Path, "a.onnx");
        Words.Write(_folder.Path, "b.onnx");
        Assert.Contains("name one of a.onnx, b.onnx", Refused().Message, StringComparison.Ordinal);

        Write("model.onnx", "no network");
        Assert.Contains("is not a network that ONNX Runtime can load", Refused().Message, StringComparison.Ordinal);

        (Words with { AnotherInput = "position_ids" }).Write(_folder.Path);
        Assert.Contains("an input position_ids", Refused().Message, StringComparison.Ordinal);

        Words.Write(_folder.Path);
        var refused = Refused(new() { Model = _folder.Path, Pooling = Pooling.Sentence });
        Assert.Contains("no float output sentence_embedding", refused.Message, StringComparison.Ordinal);
        Assert.Contains("last_hidden_state Float [-1, -1, 3]", refused.Message, StringComparison.Ordinal);

        Write("1_Pooling/config.json", """{"pooling_mode_max_tokens": true}""");
        Assert.Contains("pools by max_tokens", Refused().Message, StringComparison.Ordinal);
        File.Delete(PathOf("1_Pooling/config.json"));
        Write("modules.json", """[{"type": "sentence_transformers.models.Transformer"}, {"type": "sentence_transformers.models.Dense"}]""");
        Assert.Contains("has a layer Dense after the pooling", Refused().Message, StringComparison.Ordinal);
        File.Delete(PathOf("modules.json"));

        // Ids that the network doesn't know.
        File.AppendAllLines(PathOf("vocab.txt"), ["more"]);
        using (var model = Load())
        {
            Assert.Contains("Is the tokenizer this model's own", Assert.Throws<InputException>(() => Vector(model, "more")).Message, StringComparison.Ordinal);
        }

        File.Delete(PathOf("vocab.txt"));
        Assert.Contains("has no tokenizer", Refused().Message, StringComparison.Ordinal);
        Assert.Contains("--tokenizer", Refused(new() { Model = _folder.Path, Tokenizer = PathOf("nothing") }).Message, StringComparison.Ordinal);
    }
}
