using TwoTower.Core.Artifacts;

namespace TwoTower.Core.Bundles;

/// <summary>A folder of artifacts that was verified: every hash right, every file fits the others.</summary>
/// <param name="Directory">The folder.</param>
/// <param name="Files">Networks and JSON, as a release has them.</param>
/// <param name="EmbeddingDim">Length of an embedding.</param>
/// <param name="HasItemTower">False for the original program's bundles: served, not re-embedded.</param>
public sealed record Bundle(string Directory, Manifest Manifest, ReleaseFileSet Files, int EmbeddingDim, bool HasItemTower)
{
    /// <summary>Name of the model.</summary>
    public string ModelVersion => Manifest.ModelVersion;

    /// <summary>The vectors. Verified when the bundle was read.</summary>
    public IAsyncEnumerable<EmbeddingBatch> ReadEmbeddingsAsync(CancellationToken ct = default) =>
        EmbeddingParquetReader.ReadAsync(Path.Combine(Directory, ArtifactNames.VideoEmbeddings), EmbeddingDim, ct);
}
