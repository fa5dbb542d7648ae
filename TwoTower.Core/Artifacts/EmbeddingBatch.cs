namespace TwoTower.Core.Artifacts;

/// <summary>Vectors of some videos.</summary>
/// <param name="VideoIds">[n].</param>
/// <param name="Embeddings">Row-major, [n × dim].</param>
/// <param name="Dim">Length of a vector.</param>
public sealed record EmbeddingBatch(IReadOnlyList<Guid> VideoIds, float[] Embeddings, int Dim)
{
    /// <summary>The vector of the i-th video, [Dim].</summary>
    public ReadOnlyMemory<float> this[int i] => Embeddings.AsMemory(i * Dim, Dim);
}
