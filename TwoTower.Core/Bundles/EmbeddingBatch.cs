namespace TwoTower.Core.Bundles;

/// <summary>Vectors of some videos.</summary>
/// <param name="VideoIds">[n].</param>
/// <param name="Embeddings">Row-major, [n × dim].</param>
/// <param name="Dim">Length of a vector.</param>
public sealed record EmbeddingBatch(IReadOnlyList<Guid> VideoIds, float[] Embeddings, int Dim)
{
    /// <summary>Row-major, [n × HistoryDim]: history vectors, of a release whose user tower reads histories; empty otherwise.</summary>
    public float[] Histories { get; init; } = [];

    /// <summary>Length of a history vector; 0 where there are none.</summary>
    public int HistoryDim => VideoIds.Count == 0 ? 0 : Histories.Length / VideoIds.Count;

    /// <summary>The vector of the i-th video, [Dim].</summary>
    public ReadOnlyMemory<float> this[int i] => Embeddings.AsMemory(i * Dim, Dim);
}
