using Npgsql;
using NpgsqlTypes;
using Pgvector;
using TwoTower.Core.Artifacts;

namespace TwoTower.Core.Releases;

/// <summary>Writes vectors by binary COPY. A call is one transaction: all rows of a batch, or none.</summary>
public static class VectorWriter
{
    /// <summary>
    /// Adds rows for videos that have none. When another process was faster with some of them, its rows stay: they are the same vectors.
    /// </summary>
    /// <param name="db">The database.</param>
    /// <param name="vectors">The table.</param>
    /// <param name="batch">The rows.</param>
    /// <param name="hashes">[n]: what the features were; empty when that isn't known.</param>
    /// <param name="ct">Cancels; nothing is written then.</param>
    public static async Task AddAsync(
        NpgsqlDataSource db, ReleaseVectors vectors, EmbeddingBatch batch, ReadOnlyMemory<long> hashes, CancellationToken ct = default)
    {
        ArgumentNullException.ThrowIfNull(vectors);
        await using var connection = await db.OpenConnectionAsync(ct).ConfigureAwait(false);
        try
        {
            await using var transaction = await connection.BeginTransactionAsync(ct).ConfigureAwait(false);
            await CopyAsync(connection, vectors.Table, vectors.Release.VectorType, batch, hashes, ct).ConfigureAwait(false);
            await transaction.CommitAsync(ct).ConfigureAwait(false);
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.UniqueViolation)
        {
            await StageAsync(connection, vectors, batch, hashes, "do nothing", ct).ConfigureAwait(false);
        }
    }

    /// <summary>Adds rows, or replaces those that are there.</summary>
    /// <inheritdoc cref="AddAsync"/>
    public static async Task UpsertAsync(
        NpgsqlDataSource db, ReleaseVectors vectors, EmbeddingBatch batch, ReadOnlyMemory<long> hashes, CancellationToken ct = default)
    {
        ArgumentNullException.ThrowIfNull(vectors);
        await using var connection = await db.OpenConnectionAsync(ct).ConfigureAwait(false);
        await StageAsync(
            connection, vectors, batch, hashes,
            $"do update set embedding = excluded.embedding, {(batch.HistoryDim > 0 ? "history = excluded.history, " : "")}"
            + "feature_hash = excluded.feature_hash, updated_at = excluded.updated_at", ct).ConfigureAwait(false);
    }

    private static async Task StageAsync(
        NpgsqlConnection connection, ReleaseVectors vectors, EmbeddingBatch batch, ReadOnlyMemory<long> hashes, string conflict, CancellationToken ct)
    {
        await using var transaction = await connection.BeginTransactionAsync(ct).ConfigureAwait(false);
        await ExecuteAsync($"create temp table staged_vectors (like {vectors.Table} including defaults) on commit drop").ConfigureAwait(false);
        await CopyAsync(connection, "staged_vectors", vectors.Release.VectorType, batch, hashes, ct).ConfigureAwait(false);
        // In order of key: two writers of the same videos then wait for each other instead of blocking each other.
        await ExecuteAsync(
            $"""
            insert into {vectors.Table} ({Columns(batch)}, updated_at)
            select {Columns(batch)}, now() from staged_vectors order by video_id
            on conflict (video_id) {conflict}
            """).ConfigureAwait(false);
        await transaction.CommitAsync(ct).ConfigureAwait(false);

        async Task ExecuteAsync(string sql)
        {
            await using var command = new NpgsqlCommand(sql, connection, transaction);
            await command.ExecuteNonQueryAsync(ct).ConfigureAwait(false);
        }
    }

    private static async Task CopyAsync(
        NpgsqlConnection connection, string table, VectorType type, EmbeddingBatch batch, ReadOnlyMemory<long> hashes, CancellationToken ct)
    {
        await using var copy = await connection.BeginBinaryImportAsync(
            $"copy {table} ({Columns(batch)}) from stdin (format binary)", ct).ConfigureAwait(false);
        var half = type == VectorType.HalfVec;
        for (var i = 0; i < batch.VideoIds.Count; i++)
        {
            await copy.StartRowAsync(ct).ConfigureAwait(false);
            await copy.WriteAsync(batch.VideoIds[i], NpgsqlDbType.Uuid, ct).ConfigureAwait(false);
            if (half) await copy.WriteAsync(ToHalf(batch[i]), ct).ConfigureAwait(false);
            else await copy.WriteAsync(new Vector(batch[i]), ct).ConfigureAwait(false);
            if (hashes.IsEmpty) await copy.WriteNullAsync(ct).ConfigureAwait(false);
            else await copy.WriteAsync(hashes.Span[i], NpgsqlDbType.Bigint, ct).ConfigureAwait(false);
            if (batch.HistoryDim > 0) await copy.WriteAsync(ToHalf(batch.Histories.AsMemory(i * batch.HistoryDim, batch.HistoryDim)), ct).ConfigureAwait(false);
        }

        await copy.CompleteAsync(ct).ConfigureAwait(false);
    }

    private static string Columns(EmbeddingBatch batch) => batch.HistoryDim > 0 ? "video_id, embedding, feature_hash, history" : "video_id, embedding, feature_hash";

    private static HalfVector ToHalf(ReadOnlyMemory<float> vector)
    {
        var half = new Half[vector.Length];
        for (var i = 0; i < half.Length; i++) half[i] = (Half)vector.Span[i];
        return new HalfVector(half);
    }
}
