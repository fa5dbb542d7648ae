using System.Buffers;
using TwoTower.Core.Artifacts;
using TwoTower.Core.Features;

namespace TwoTower.Core.Inference;

/// <summary>A release's way from a user's payload to an embedding: its feature encoder and its network. Thread-safe; disposable with
/// calls running (see <see cref="OnnxTower"/>).</summary>
public sealed class UserTower : IDisposable
{
    private readonly FeatureEncoder _encoder;
    private readonly OnnxTower _network;

    private UserTower(FeatureEncoder encoder, OnnxTower network) => (_encoder, _network) = (encoder, network);

    /// <summary>Length of an embedding.</summary>
    public int EmbeddingDim => _network.EmbeddingDim;

    /// <summary>Length of a feature vector.</summary>
    public int FeatureDim => _encoder.Dim;

    /// <summary>Whether it reads sums of history vectors, beside what a user's payload has in every recipe.</summary>
    public bool ReadsHistory => _encoder.Schema.Segments.Any(segment => segment.Type == FeatureSegmentTypes.PooledHistory);

    /// <summary>Whether the recipe of the model has its answers re-ranked (<see cref="ModelMeta.ReRanks"/>).</summary>
    public bool ReRanks { get; private init; }

    /// <summary>The latest decisions of a user that count (<see cref="ModelMeta.MaxDecisions"/>).</summary>
    public int MaxDecisions { get; private init; }

    /// <summary>What makes probabilities of its scores; null where the release has no calibration.</summary>
    public LikeCalibration? Calibration { get; private init; }

    /// <summary>Loads the tower of a release or bundle.</summary>
    /// <exception cref="InputException">A file is missing, or the files don't fit each other; says which and why.</exception>
    public static UserTower FromFiles(ReleaseFileSet files)
    {
        ArgumentNullException.ThrowIfNull(files);
        var encoder = FeatureFiles.ReadEncoder(files, FeatureSide.User);
        var (meta, calibration) = (FeatureFiles.ReadMeta(files), FeatureFiles.ReadCalibration(files));
        return new(encoder, TowerFiles.Load(files, ArtifactNames.UserTower, encoder.Schema))
        {
            ReRanks = meta.ReRanks,
            MaxDecisions = meta.MaxDecisions,
            Calibration = calibration,
        };
    }

    /// <summary>The embedding of a user, [EmbeddingDim], of length 1.</summary>
    /// <param name="payload">What is known of the user.</param>
    /// <param name="asOf">Time that ages are counted to: now, when serving.</param>
    public float[] Encode(UserPayload payload, DateTimeOffset asOf)
    {
        var embedding = new float[EmbeddingDim];
        Encode(payload, asOf, embedding);
        return embedding;
    }

    /// <summary>The embedding of a user into <paramref name="embedding"/>, [EmbeddingDim].</summary>
    public void Encode(UserPayload payload, DateTimeOffset asOf, Span<float> embedding)
    {
        var features = ArrayPool<float>.Shared.Rent(_encoder.Dim);
        try
        {
            _encoder.Encode(payload, asOf, features);
            _network.Encode(features, 1, embedding);
        }
        finally
        {
            ArrayPool<float>.Shared.Return(features);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _network.Dispose();
}
