using TwoTower.Core;

namespace TwoTower.Embedding.Texts;

/// <summary>A sentence model, ready to make vectors of texts.</summary>
internal sealed class TextModel : IDisposable
{
    private readonly TextNetwork _network;
    private readonly TextTokenizer _tokenizer;

    private TextModel(TextNetwork network, TextTokenizer tokenizer, int maxTokens, string fingerprint) =>
        (_network, _tokenizer, MaxTokens, Fingerprint) = (network, tokenizer, maxTokens, fingerprint);

    /// <summary>Tokens of a text at most, those around it too.</summary>
    public int MaxTokens { get; }

    /// <summary>SHA-256 of all that a vector depends on but its text, in hexadecimal.</summary>
    public string Fingerprint { get; }

    /// <summary>Length of a vector.</summary>
    public int Dim => _network.Dim;

    /// <summary>How tokens become one vector.</summary>
    public Pooling Pooling => _network.Pooling;

    /// <summary>The form that texts must have.</summary>
    public TextForm Form => _tokenizer.Form;

    /// <summary>Loads a model.</summary>
    /// <exception cref="InputException">A file is missing or isn't what it should be; the message says which and what helps.</exception>
    public static TextModel Load(EmbedTextOptions options, CancellationToken ct)
    {
        var files = TextModelFiles.Find(options.Model, options.Tokenizer);
        var (tokenizer, from) = TokenizerReader.Read(files.Tokenizer);
        var tokens = files.MaxTokens(options.MaxTokens);
        if (tokens <= tokenizer.Around) throw new InputException($"--max-tokens {tokens}: {tokenizer.Around} stand around every text, so that none is left for it; give more");
        var network = new TextNetwork(files.Network, options.Pooling, () => files.PoolingOfFolder() ?? Pooling.Mean, options.Threads);
        try
        {
            if (network.Pooling != Pooling.Sentence) files.RequireNoMoreLayers();
            return new(network, tokenizer, tokens, files.Fingerprint(from, $"{tokens} {network.Pooling}", ct));
        }
        catch
        {
            network.Dispose();
            throw;
        }
    }

    /// <summary>The tokens of a text, or null where none is left of it.</summary>
    /// <param name="text">In form <see cref="Form"/>.</param>
    public TokenizedText? Tokenize(string text) => _tokenizer.Encode(text, MaxTokens);

    /// <summary>The vectors of some texts, in their order.</summary>
    /// <param name="texts">Their tokens.</param>
    /// <param name="batch">Texts in one run; those of like lengths run together.</param>
    /// <returns>[<see cref="Dim"/>] of length 1 for each; null where the network gives zeros or no numbers.</returns>
    /// <exception cref="InputException">The network can't be run on them.</exception>
    public float[]?[] Encode(IReadOnlyList<int[]> texts, int batch, CancellationToken ct)
    {
        var vectors = new float[]?[texts.Count];
        foreach (var rows in Enumerable.Range(0, texts.Count).OrderBy(row => texts[row].Length).Chunk(batch))
        {
            ct.ThrowIfCancellationRequested();
            var made = _network.Encode([.. rows.Select(row => texts[row])], _tokenizer.PadId);
            for (var n = 0; n < rows.Length; n++) vectors[rows[n]] = made[n];
        }

        return vectors;
    }

    public void Dispose() => _network.Dispose();
}
