using Npgsql;
using TwoTower.Core;
using TwoTower.Core.Bundles;
using TwoTower.Core.Features;
using TwoTower.Core.Inference;
using TwoTower.Embedding.Settings;
using TwoTower.Embedding.Telemetry;
using TwoTower.Postgres.Connections;
using TwoTower.Postgres.Releases;
using TwoTower.Postgres.Tables;

namespace TwoTower.Embedding.Encoding;

/// <summary>What a release makes of some videos.</summary>
/// <param name="Batch">The vectors.</param>
/// <param name="Hashes">[n]: what the features were.</param>
internal sealed record EncodedVideos(EmbeddingBatch Batch, long[] Hashes)
{
    /// <summary>Runs the tower.</summary>
    public static EncodedVideos From(ItemTower tower, IReadOnlyList<ItemPayload> items)
    {
        var embeddings = new float[items.Count * tower.EmbeddingDim];
        var histories = new float[items.Count * tower.HistoryDim];
        var hashes = new long[items.Count];
        tower.Encode(items, embeddings, hashes, histories);
        return new(new([.. items.Select(item => item.VideoId)], embeddings, tower.EmbeddingDim) { Histories = histories }, hashes);
    }
}

/// <summary>Reads, encodes and stores videos in chunks, several at once. Memory is a chunk for each worker, whatever the number of
/// videos.</summary>
internal static class VideoEmbedder
{
    /// <summary>Embeds videos that have no vector yet. Those that are deleted meanwhile are left out, and those that get one keep
    /// it.</summary>
    /// <param name="vectors">Where the vectors go.</param>
    /// <param name="tower">The release's item tower.</param>
    /// <param name="videoIds">The videos.</param>
    /// <param name="options">Sizes.</param>
    /// <param name="ct">Cancels; chunks that are committed stay.</param>
    /// <returns>Vectors written.</returns>
    public static async Task<long> RunAsync(
        NpgsqlDataSource db, ReleaseVectors vectors, ItemTower tower, IReadOnlyList<Guid> videoIds, EmbedOptions options,
        CancellationToken ct)
    {
        var written = 0L;
        var source = ItemSource.Of(vectors.Release, tower);
        await Parallel.ForEachAsync(
            videoIds.Chunk(options.ChunkRows),
            new ParallelOptions { MaxDegreeOfParallelism = options.Workers, CancellationToken = ct },
            async (chunk, token) =>
            {
                var items = await source.ReadAsync(db, chunk, token);
                if (items.Count == 0) return;
                var encoded = EncodedVideos.From(tower, items);
                var rows = await VectorWriter.AddAsync(db, vectors, encoded.Batch, encoded.Hashes, token);
                EmbedTelemetry.Rows.Add(rows);
                Interlocked.Add(ref written, rows);
            });
        return written;
    }

    /// <summary>The ids of all videos, also of inactive ones, in order.</summary>
    /// <exception cref="InputException">Row-level security hides videos.</exception>
    public static async Task<Guid[]> AllVideosAsync(NpgsqlDataSource db, CancellationToken ct) =>
        [.. await WholeTables.ReadAsync(
            db, WholeTables.Catalogue, connection => connection.Sql("select id from public.videos where id is not null order by id").ListAsync<Guid>(ct), ct)];
}
