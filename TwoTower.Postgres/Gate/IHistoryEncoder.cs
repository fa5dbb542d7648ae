using Npgsql;
using TwoTower.Core;
using TwoTower.Core.Artifacts;
using TwoTower.Core.Features;
using TwoTower.Core.Inference;
using TwoTower.Postgres.Releases;

namespace TwoTower.Postgres.Gate;

/// <summary>A release's way from a history to a user's embedding, for whoever measures releases: the one of a live request.
/// Thread-safe.</summary>
internal interface IHistoryEncoder : IDisposable
{
    /// <summary>Length of an embedding.</summary>
    int EmbeddingDim { get; }

    /// <summary>Encodes what a request would know at a moment.</summary>
    /// <param name="history">The user's decisions; later ones than <paramref name="asOf"/> don't count.</param>
    /// <param name="asOf">The moment.</param>
    /// <param name="embedding">[EmbeddingDim], overwritten; of length 1.</param>
    void Encode(UserHistory history, DateTimeOffset asOf, Span<float> embedding);
}

/// <summary>Opens the encoder that a release needs.</summary>
internal static class HistoryEncoder
{
    /// <summary>Loads it. A recipe whose features need more than a history (vectors of the release's own table) reads that here,
    /// once.</summary>
    /// <param name="db">The database, for what isn't in the files.</param>
    /// <exception cref="InputException">The files can't be used; says which and why.</exception>
    public static async Task<IHistoryEncoder> OpenAsync(
        NpgsqlDataSource db, Release release, ReleaseFileSet files, CancellationToken ct = default)
    {
        ArgumentNullException.ThrowIfNull(files);
        ct.ThrowIfCancellationRequested();
        var histories = files.Contains(ArtifactNames.HistoryTower)
            ? await (await ReleaseVectors.OpenAsync(db, release, ct)).ReadHistoriesAsync(ct)
            : null;
        return new TowerUserEncoder(UserTower.FromFiles(files), histories);
    }

    private sealed class TowerUserEncoder(UserTower tower, HistoryPool? histories) : IHistoryEncoder
    {
        public int EmbeddingDim => tower.EmbeddingDim;

        public void Encode(UserHistory history, DateTimeOffset asOf, Span<float> embedding)
        {
            history = history.Latest(asOf, tower.MaxDecisions);
            tower.Encode(PayloadBuilder.BuildUser(history, asOf) with { History = histories?.Pool(history, asOf) }, asOf, embedding);
        }

        public void Dispose() => tower.Dispose();
    }
}
