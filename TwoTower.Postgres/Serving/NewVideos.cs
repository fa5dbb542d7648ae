using TwoTower.Core;
using TwoTower.Core.Features;
using TwoTower.Core.Inference;
using TwoTower.Postgres.Connections;
using TwoTower.Postgres.Releases;

namespace TwoTower.Postgres.Serving;

/// <summary>
/// Vectors of videos that no embedder has come to yet, by the release's own item tower: one tower is kept loaded, that of the release last
/// asked for, and one video encoded at a time. Thread-safe.
/// </summary>
/// <param name="query">Asks the database.</param>
/// <param name="releases">Where the files come from.</param>
internal sealed class NewVideos(ServingQuery query, ReleaseStore releases) : IDisposable
{
    private readonly SemaphoreSlim _turn = new(1);
    private (string ModelVersion, ItemTower Tower)? _loaded;

    /// <summary>The vector of a video, of length 1.</summary>
    /// <exception cref="RecommendationException">The release has no item tower, or it can't embed this video; says which and why.</exception>
    /// <exception cref="StaleReleaseException">The release is gone.</exception>
    public async Task<float[]> EmbedAsync(Guid videoId, string modelVersion, CancellationToken ct)
    {
        await _turn.WaitAsync(ct);
        try
        {
            var tower = await LoadAsync(modelVersion);
            var payload = await ReadAsync(videoId, tower.VideoFeatures, ct)
                ?? throw new RecommendationException(NoAnswer.UnknownVideo, $"There is no video {videoId}.");
            var embedding = new float[tower.EmbeddingDim];
            tower.Encode([payload], embedding);
            return embedding;
        }
        catch (ReleaseGoneException e)
        {
            throw new StaleReleaseException(e.Message.TrimEnd('.'), e);
        }
        catch (InputException e)
        {
            throw new RecommendationException(
                NoAnswer.VideoWithoutVector, $"Video {videoId} has no vector in release {modelVersion}, and it can't be made here: {e.Message}", e);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _loaded?.Tower.Dispose();
        _turn.Dispose();
    }

    private async Task<ItemTower> LoadAsync(string modelVersion)
    {
        if (_loaded is { } loaded && loaded.ModelVersion == modelVersion) return loaded.Tower;
        // Whoever waits behind this one needs it, too: it isn't given up with the request that began it.
        var tower = ItemTower.FromFiles(await releases.OpenAsync(modelVersion, CancellationToken.None));
        _loaded?.Tower.Dispose();
        _loaded = (modelVersion, tower);
        return tower;
    }

    private async Task<ItemPayload?> ReadAsync(Guid videoId, IReadOnlyList<string> vectors, CancellationToken ct) =>
        (await query.ListAsync(
            "select p.payload::text from two_tower.item_payloads(array[@video], @vectors) p",
            [Statements.Parameter("video", videoId), Statements.Parameter<string[]>("vectors", [.. vectors])],
            row => ItemPayload.Parse(row.Get<string>("payload")), ct)).FirstOrDefault();
}
