using Npgsql;
using NpgsqlTypes;
using Pgvector;
using TwoTower.Core.Bundles;
using TwoTower.Postgres.Connections;

namespace TwoTower.Postgres.Releases;

/// <summary>Writes vectors by binary COPY, inside the caller's transaction or in one of its own: all rows of a batch, or none.</summary>
internal static class VectorWriter
{
    private const string Staged = "staged_vectors";

    /// <summary>
    /// Adds rows for videos that have none, in a transaction of its own. When another process was faster with some of them, its rows stay:
    /// they are the same vectors, or newer ones.
    /// </summary>
    /// <param name="vectors">The table.</param>
    /// <param name="batch">The rows.</param>
    /// <param name="hashes">[n]: what the features were; empty when that isn't known.</param>
    /// <param name="ct">Cancels; nothing is written then.</param>
    /// <returns>Rows written.</returns>
    public static async Task<long> AddAsync(
        NpgsqlDataSource db, ReleaseVectors vectors, EmbeddingBatch batch, ReadOnlyMemory<long> hashes, CancellationToken ct = default)
    {
        ArgumentNullException.ThrowIfNull(db);
        return await db.InTransactionAsync(connection => AddAsync(connection, vectors, batch, hashes, ct), ct);
    }

    /// <summary>Adds rows for videos that have none, in the connection's transaction.</summary>
    /// <returns>Rows written.</returns>
    /// <inheritdoc cref="AddAsync(NpgsqlDataSource, ReleaseVectors, EmbeddingBatch, ReadOnlyMemory{long}, CancellationToken)"/>
    public static async Task<long> AddAsync(
        NpgsqlConnection connection, ReleaseVectors vectors, EmbeddingBatch batch, ReadOnlyMemory<long> hashes,
        CancellationToken ct = default)
    {
        ArgumentNullException.ThrowIfNull(connection);
        ArgumentNullException.ThrowIfNull(vectors);
        ArgumentNullException.ThrowIfNull(batch);
        await connection.Sql("savepoint adding").ExecuteAsync(ct);
        try
        {
            await CopyAsync(connection, vectors.Table, vectors.Release.VectorType, batch, hashes, ct);
            return batch.VideoIds.Count;
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.UniqueViolation)
        {
            await connection.Sql("rollback to savepoint adding").ExecuteAsync(ct);
            return await StageAsync(connection, vectors, batch, hashes, null, "do nothing", ct);
        }
    }

    /// <summary>Adds rows, or replaces those whose features have changed, in the connection's transaction.</summary>
    /// <param name="connection">In a transaction.</param>
    /// <param name="vectors">The table.</param>
    /// <param name="batch">The rows.</param>
    /// <param name="hashes">[n]: what the features were. A row that has the same hash stays: its vector is the same.</param>
    /// <param name="only">Those of the batch's videos that are written.</param>
    /// <param name="ct">Cancels; nothing is written then.</param>
    /// <returns>Rows written.</returns>
    public static Task<long> ReplaceAsync(
        NpgsqlConnection connection, ReleaseVectors vectors, EmbeddingBatch batch, ReadOnlyMemory<long> hashes, Guid[] only,
        CancellationToken ct = default)
    {
        ArgumentNullException.ThrowIfNull(connection);
        ArgumentNullException.ThrowIfNull(vectors);
        ArgumentNullException.ThrowIfNull(batch);
        return StageAsync(
            connection, vectors, batch, hashes, only,
            $"""
            do update set embedding = excluded.embedding, {(batch.HistoryDim > 0 ? "history = excluded.history, " : "")}feature_hash = excluded.feature_hash, updated_at = excluded.updated_at
            where e.feature_hash is distinct from excluded.feature_hash
            """, ct);
    }

    // Those of the batch's videos; null: all.
    private static async Task<long> StageAsync(
        NpgsqlConnection connection, ReleaseVectors vectors, EmbeddingBatch batch, ReadOnlyMemory<long> hashes, Guid[]? only,
        string conflict, CancellationToken ct)
    {
        await connection.Sql($"create temp table {Staged} (like {vectors.Table} including defaults) on commit drop").ExecuteAsync(ct);
        await CopyAsync(connection, Staged, vectors.Release.VectorType, batch, hashes, ct);
        // In order of key: two writers of the same videos then wait for each other instead of blocking each other.
        return await connection.Sql(
            $"""
            insert into {vectors.Table} as e ({Columns(batch)}, updated_at)
            select {Columns(batch)}, now() from {Staged} where @only::uuid[] is null or video_id = any (@only) order by video_id
            on conflict (video_id) {conflict}
            """)
            .With("only", only).ExecuteAsync(ct);
    }

    private static async Task CopyAsync(
        NpgsqlConnection connection, string table, VectorType type, EmbeddingBatch batch, ReadOnlyMemory<long> hashes, CancellationToken ct)
    {
        await using var copy = await connection.BeginBinaryImportAsync(
            $"copy {table} ({Columns(batch)}) from stdin (format binary)", ct);
        var half = type == VectorType.HalfVec;
        for (var i = 0; i < batch.VideoIds.Count; i++)
        {
            await copy.StartRowAsync(ct);
            await copy.WriteAsync(batch.VideoIds[i], NpgsqlDbType.Uuid, ct);
            if (half) await copy.WriteAsync(ToHalf(batch[i]), ct);
            else await copy.WriteAsync(new Vector(batch[i]), ct);
            if (hashes.IsEmpty) await copy.WriteNullAsync(ct);
            else await copy.WriteAsync(hashes.Span[i], NpgsqlDbType.Bigint, ct);
            if (batch.HistoryDim > 0) await copy.WriteAsync(ToHalf(batch.Histories.AsMemory(i * batch.HistoryDim, batch.HistoryDim)), ct);
        }

        await copy.CompleteAsync(ct);
    }

    private static string Columns(EmbeddingBatch batch) => batch.HistoryDim > 0 ? "video_id, embedding, feature_hash, history" : "video_id, embedding, feature_hash";

    private static HalfVector ToHalf(ReadOnlyMemory<float> vector)
    {
        var half = new Half[vector.Length];
        for (var i = 0; i < half.Length; i++) half[i] = (Half)vector.Span[i];
        return new HalfVector(half);
    }
}
