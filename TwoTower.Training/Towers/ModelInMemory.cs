using System.Numerics.Tensors;
using TwoTower.Core.Artifacts;
using TwoTower.Core.Features;
using TwoTower.Core.Inference;

namespace TwoTower.Training.Towers;

/// <summary>
/// A trained model as a request meets it, without a database: its files through ONNX Runtime, the vectors of some videos, and history →
/// payload → user tower → dot product. Thread-safe.
/// </summary>
internal sealed class ModelInMemory : IDisposable
{
    private const int Batch = 1024;

    private readonly UserTower _users;
    private readonly float[] _items; // [items × dim]
    private readonly HistoryPool? _histories;

    private ModelInMemory(UserTower users, float[] items, HistoryPool? histories) =>
        (_users, _items, _histories) = (users, items, histories);

    /// <summary>What makes probabilities of its scores; null where it has none.</summary>
    public LikeCalibration? Calibration => _users.Calibration;

    /// <summary>Builds the release's files, loads them and embeds videos, also those that training didn't have.</summary>
    /// <param name="checkpoint">The model.</param>
    /// <param name="name">In messages.</param>
    /// <param name="items">The videos that can be scored, and whose vectors histories are pooled from.</param>
    public static ModelInMemory Load(Checkpoint checkpoint, string name, IReadOnlyList<ItemPayload> items, CancellationToken ct)
    {
        // Their date is of no consequence for what the towers give.
        var files = new ReleaseFileSet(name, ReleaseFiles.Build(checkpoint, checkpoint.Pipeline.AsOf));
        using var tower = ItemTower.FromFiles(files);
        var (dim, historyDim) = (tower.EmbeddingDim, tower.HistoryDim);
        var (embeddings, histories) = (new float[items.Count * dim], new float[items.Count * historyDim]);
        for (var start = 0; start < items.Count; start += Batch)
        {
            ct.ThrowIfCancellationRequested();
            ItemPayload[] batch = [.. items.Skip(start).Take(Batch)];
            tower.Encode(
                batch, embeddings.AsSpan(start * dim, batch.Length * dim), default,
                histories.AsSpan(start * historyDim, batch.Length * historyDim));
        }

        var rowOf = items.Select((item, row) => (item.VideoId, row)).ToDictionary(pair => pair.VideoId, pair => pair.row);
        return new(UserTower.FromFiles(files), embeddings, historyDim > 0 ? new HistoryPool(rowOf, histories, historyDim / 2) : null);
    }

    /// <summary>The vector of somebody with this history, [dim].</summary>
    public float[] Encode(UserHistory history, DateTimeOffset asOf)
    {
        history = history.Latest(asOf, _users.MaxDecisions);
        return _users.Encode(PayloadBuilder.BuildUser(history, asOf) with { History = _histories?.Pool(history, asOf) }, asOf);
    }

    /// <summary>How often somebody with this history decided how, as far as the model counts it.</summary>
    public DecisionStats Decisions(UserHistory history, DateTimeOffset asOf) =>
        PayloadBuilder.BuildUser(history.Latest(asOf, _users.MaxDecisions), asOf).DecisionStats;

    /// <summary>The score of a video.</summary>
    /// <param name="user">The user's vector, [dim].</param>
    /// <param name="item">Which of the videos.</param>
    public float Score(ReadOnlySpan<float> user, int item) => TensorPrimitives.Dot(user, _items.AsSpan(item * user.Length, user.Length));

    /// <inheritdoc/>
    public void Dispose() => _users.Dispose();
}
