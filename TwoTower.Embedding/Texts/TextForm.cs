namespace TwoTower.Embedding.Texts;

/// <summary>
/// The Unicode normalization form that a tokenizer wants its texts in. PostgreSQL does it: this program runs without the tables
/// (InvariantGlobalization), and <see cref="string.Normalize()"/> changes nothing then.
/// </summary>
internal enum TextForm
{
    /// <summary>As the text is.</summary>
    AsIs,

    /// <summary>Composed.</summary>
    Nfc,

    /// <summary>Decomposed: accents are characters of their own.</summary>
    Nfd,

    /// <summary>Composed, and full-width letters, ligatures and the like replaced by plain ones.</summary>
    Nfkc,

    /// <summary>Decomposed and plain.</summary>
    Nfkd,
}
