using Npgsql;
using TwoTower.Core.Artifacts;
using TwoTower.Core.Inference;
using TwoTower.Core.Releases;

namespace TwoTower.Embedder;

/// <summary>
/// Reads, encodes and stores videos in chunks, several at once. Memory is a chunk for each worker, whatever the number of videos; a chunk
/// is committed whole, so a killed run loses the chunks at hand and no more.
/// </summary>
internal static class VideoEmbedder
{
    /// <summary>Embeds videos. Those that are deleted meanwhile are left out.</summary>
    /// <param name="db">The database.</param>
    /// <param name="vectors">Where the vectors go.</param>
    /// <param name="tower">The release's item tower.</param>
    /// <param name="videoIds">The videos.</param>
    /// <param name="replace">True replaces rows that are there; false expects none.</param>
    /// <param name="options">Sizes.</param>
    /// <param name="done">Told after each chunk how many are done in all.</param>
    /// <param name="ct">Cancels.</param>
    /// <returns>Vectors written.</returns>
    public static async Task<long> RunAsync(
        NpgsqlDataSource db, ReleaseVectors vectors, ItemTower tower, IReadOnlyList<Guid> videoIds, bool replace, EmbedOptions options,
        Action<long>? done, CancellationToken ct)
    {
        long written = 0, seen = 0;
        await Parallel.ForEachAsync(
            videoIds.Chunk(options.ChunkRows),
            new ParallelOptions { MaxDegreeOfParallelism = options.Workers, CancellationToken = ct },
            async (chunk, token) =>
            {
                var items = await ItemSource.ReadAsync(db, vectors.Release, chunk, token);
                if (items.Count > 0)
                {
                    var dim = tower.EmbeddingDim;
                    var embeddings = new float[items.Count * dim];
                    var histories = new float[items.Count * tower.HistoryDim];
                    var hashes = new long[items.Count];
                    tower.Encode(items, embeddings, hashes, histories);
                    var batch = new EmbeddingBatch([.. items.Select(item => item.VideoId)], embeddings, dim) { Histories = histories };
                    if (replace) await VectorWriter.UpsertAsync(db, vectors, batch, hashes, token);
                    else await VectorWriter.AddAsync(db, vectors, batch, hashes, token);
                    EmbedTelemetry.Rows.Add(items.Count);
                    Interlocked.Add(ref written, items.Count);
                }

                done?.Invoke(Interlocked.Add(ref seen, chunk.Length));
            });
        return written;
    }

    /// <summary>The ids of all videos, also of inactive ones, in order.</summary>
    public static async Task<Guid[]> AllVideosAsync(NpgsqlDataSource db, CancellationToken ct)
    {
        await using var command = db.CreateCommand("select id from public.videos order by id");
        await using var reader = await command.ExecuteReaderAsync(ct);
        var ids = new List<Guid>();
        while (await reader.ReadAsync(ct)) ids.Add(reader.GetGuid(0));
        return [.. ids];
    }
}
