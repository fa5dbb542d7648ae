namespace TwoTower.Embedding.Texts;

/// <summary>How the vectors of a text's tokens become one.</summary>
internal enum Pooling
{
    /// <summary>The mean of the tokens, without those that only fill the row.</summary>
    Mean,

    /// <summary>The first token's.</summary>
    Cls,

    /// <summary>The network does it: its output <c>sentence_embedding</c>.</summary>
    Sentence,
}
