using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using TwoTower.Core.Artifacts;
using TwoTower.Core.Features;

namespace TwoTower.Core.Inference;

/// <summary>A release's way from videos to embeddings. Thread-safe. A bundle of another program may have none.</summary>
public sealed class ItemTower : IDisposable
{
    private readonly FeatureEncoder _encoder;
    private readonly OnnxTower _network;
    private readonly OnnxTower? _history;

    private ItemTower(FeatureEncoder encoder, OnnxTower network, OnnxTower? history) =>
        (_encoder, _network, _history) = (encoder, network, history);

    /// <summary>Length of a history vector; 0 where the release's user tower reads no history.</summary>
    public int HistoryDim => _history?.EmbeddingDim ?? 0;

    /// <summary>Length of an embedding.</summary>
    public int EmbeddingDim => _network.EmbeddingDim;

    /// <summary>Length of a feature vector.</summary>
    public int FeatureDim => _encoder.Dim;

    /// <summary>Names of the vectors from elsewhere (<c>two_tower.video_features</c>) that it reads from a payload.</summary>
    public IReadOnlyList<string> VideoFeatures => _encoder.VideoFeatures;

    /// <summary>Loads the tower of a release or bundle.</summary>
    /// <exception cref="InputException">A file is missing, or the files don't fit each other; says which and why.</exception>
    public static ItemTower FromFiles(ReleaseFileSet files)
    {
        ArgumentNullException.ThrowIfNull(files);
        if (!files.Contains(ArtifactNames.ItemTower))
        {
            throw new InputException($"{files.Name} has no {ArtifactNames.ItemTower}: it can be served with the vectors that came with it, not re-embedded.");
        }

        var encoder = FeatureFiles.ReadEncoder(files, FeatureSide.Item);
        var network = TowerFiles.Load(files, ArtifactNames.ItemTower, encoder.Schema);
        try
        {
            return new(encoder, network, TowerFiles.LoadHistory(files, encoder.Schema));
        }
        catch
        {
            network.Dispose();
            throw;
        }
    }

    /// <summary>Embeds videos.</summary>
    /// <param name="items">The videos.</param>
    /// <param name="embeddings">Row-major, [items.Count × EmbeddingDim]; overwritten.</param>
    /// <param name="hashes">[items.Count] or empty: what the features were, to see later whether a video has changed for this model.</param>
    /// <param name="histories">Row-major, [items.Count × HistoryDim], or empty; overwritten.</param>
    public void Encode(
        IReadOnlyList<ItemPayload> items, Span<float> embeddings, Span<long> hashes = default, Span<float> histories = default)
    {
        ArgumentNullException.ThrowIfNull(items);
        var dim = _encoder.Dim;
        var features = ArrayPool<float>.Shared.Rent(items.Count * dim);
        try
        {
            for (var i = 0; i < items.Count; i++)
            {
                var row = features.AsSpan(i * dim, dim);
                _encoder.Encode(items[i], row);
                if (!hashes.IsEmpty) hashes[i] = Hash(row);
            }

            _network.Encode(features, items.Count, embeddings);
            if (!histories.IsEmpty) _history?.Encode(features, items.Count, histories);
        }
        finally
        {
            ArrayPool<float>.Shared.Return(features);
        }
    }

    /// <summary>What the features of videos are, without embedding them: a video whose hash is that of its vector hasn't changed for this
    /// model.</summary>
    /// <param name="items">The videos.</param>
    /// <param name="hashes">[items.Count]; overwritten. The same as <see cref="Encode"/> gives.</param>
    public void Hash(IReadOnlyList<ItemPayload> items, Span<long> hashes)
    {
        ArgumentNullException.ThrowIfNull(items);
        var features = ArrayPool<float>.Shared.Rent(_encoder.Dim);
        try
        {
            var row = features.AsSpan(0, _encoder.Dim);
            for (var i = 0; i < items.Count; i++)
            {
                _encoder.Encode(items[i], row);
                hashes[i] = Hash(row);
            }
        }
        finally
        {
            ArrayPool<float>.Shared.Return(features);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _network.Dispose();
        _history?.Dispose();
    }

    private static long Hash(ReadOnlySpan<float> features)
    {
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(MemoryMarshal.AsBytes(features), digest);
        return BinaryPrimitives.ReadInt64LittleEndian(digest);
    }
}
