namespace TwoTower.Embedding.Texts;

/// <summary>A text in tokens.</summary>
/// <param name="Ids">Ids of the model's vocabulary, with what stands before and after every text.</param>
/// <param name="IsCut">True where the text had more.</param>
internal readonly record struct TokenizedText(int[] Ids, bool IsCut);

/// <summary>Splits texts into the tokens of a sentence model.</summary>
/// <param name="rules">What happens to a text first.</param>
/// <param name="encode">The tokens of a text that isn't empty, without those before and after it.</param>
/// <param name="before">Ids before every text: [CLS], &lt;s&gt;.</param>
/// <param name="after">Ids after every text: [SEP], &lt;/s&gt;.</param>
/// <param name="padId">What fills a batch's shorter rows; masked.</param>
internal sealed class TextTokenizer(TextRules rules, Func<string, IReadOnlyList<int>> encode, int[] before, int[] after, int padId)
{
    /// <summary>The form that texts must have.</summary>
    public TextForm Form => rules.Form;

    /// <summary>What fills a batch's shorter rows.</summary>
    public int PadId => padId;

    /// <summary>Tokens that stand around every text.</summary>
    public int Around => before.Length + after.Length;

    /// <summary>The tokens of a text, or null where none is left of it.</summary>
    /// <param name="text">In form <see cref="Form"/>.</param>
    /// <param name="maxTokens">Tokens at most, those around the text too; the end of a longer text is cut off.</param>
    public TokenizedText? Encode(string text, int maxTokens)
    {
        var plain = rules.Apply(text);
        if (plain.Length == 0) return null;
        var ids = encode(plain);
        if (ids.Count == 0) return null;
        var room = maxTokens - Around;
        return new([.. before, .. ids.Take(room), .. after], ids.Count > room);
    }
}
