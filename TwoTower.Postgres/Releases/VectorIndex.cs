using System.ComponentModel.DataAnnotations;
using System.Globalization;
using Npgsql;
using TwoTower.Postgres.Connections;

namespace TwoTower.Postgres.Releases;

/// <summary>How the HNSW index of a release is built.</summary>
public sealed record VectorIndexOptions
{
    /// <summary>Links of a node. More is better found and larger.</summary>
    [Range(2, 100)]
    public int M { get; init; } = 16;

    /// <summary>Candidates looked at when a node is linked. 200 instead of 64 gains .003 recall at twice the time
    /// (docs/performance.md).</summary>
    [Range(4, 1000)]
    public int EfConstruction { get; init; } = 64;

    /// <summary>Most memory for the build, in MB; a graph that doesn't fit is built on disk, many times slower.</summary>
    [Range(64, 1 << 20)]
    public int MaintenanceMemoryMb { get; init; } = 2048;

    /// <summary>Processes that help with the build.</summary>
    [Range(0, 64)]
    public int ParallelWorkers { get; init; } = Math.Max(0, Math.Min(4, Environment.ProcessorCount) - 1);
}

/// <summary>Builds the HNSW index over a release's vectors: inner product, which for unit vectors orders as cosine does and is
/// cheapest.</summary>
internal static class VectorIndex
{
    /// <summary>Builds the index unless it is there, then analyses the table. One transaction: it is whole or not there.</summary>
    /// <param name="vectors">The table.</param>
    /// <param name="rows">Rows of the table, for the memory that the build asks for.</param>
    /// <param name="warn">Told what a person should know.</param>
    /// <param name="ct">Cancels the build on the server.</param>
    public static async Task BuildAsync(
        NpgsqlDataSource db, ReleaseVectors vectors, VectorIndexOptions options, long rows, Action<string>? warn = null,
        CancellationToken ct = default)
    {
        ArgumentNullException.ThrowIfNull(vectors);
        ArgumentNullException.ThrowIfNull(options);
        var workers = options.ParallelWorkers;
        if (vectors.VectorVersion < ServerCheck.SafeVector && workers > 0)
        {
            warn?.Invoke(
                $"pgvector {vectors.VectorVersion} can overflow in parallel index builds: building with one process. Upgrade to {ServerCheck.SafeVector} or newer.");
            workers = 0;
        }

        try
        {
            await TryBuildAsync(db, vectors, options, MemoryMb(vectors.Release, options, rows), workers, ct);
        }
        catch (PostgresException e) when (workers > 0 && DatabaseErrors.IsShortOfSharedMemory(e))
        {
            warn?.Invoke($"The server has too little shared memory for a parallel index build ({e.MessageText}): building with one process. Give its container --shm-size 1g.");
            await TryBuildAsync(db, vectors, options, MemoryMb(vectors.Release, options, rows), 0, ct);
        }

        await db.Sql($"analyze {vectors.Table}").ExecuteAsync(ct);
    }

    /// <summary>True when the index is there and usable.</summary>
    public static Task<bool> ExistsAsync(NpgsqlDataSource db, ReleaseVectors vectors, CancellationToken ct = default)
    {
        ArgumentNullException.ThrowIfNull(vectors);
        return db.Sql(
            """
            select exists (
                select from pg_index i join pg_class c on c.oid = i.indexrelid join pg_am a on a.oid = c.relam
                where i.indrelid = to_regclass(@table) and a.amname = 'hnsw' and i.indisvalid and i.indisready)
            """)
            .With("table", vectors.Release.Table).ScalarAsync<bool>(ct);
    }

    /// <summary>Rows that a build under way has done; null when none is.</summary>
    public static Task<long?> ProgressAsync(NpgsqlDataSource db, ReleaseVectors vectors, CancellationToken ct = default)
    {
        ArgumentNullException.ThrowIfNull(vectors);
        return db.Sql("select tuples_done from pg_stat_progress_create_index where relid = to_regclass(@table)")
            .With("table", vectors.Table).ScalarAsync<long?>(ct);
    }

    /// <summary>Memory that a build over this many rows asks for, in MB: what it needs and no more, so that a small one lives on a small
    /// server.</summary>
    public static long MemoryMb(Release release, VectorIndexOptions options, long rows)
    {
        // What pgvector keeps of a row while building: the vector, 2·m links on the lowest level (16 bytes each with their distances), and
        // a little of upper levels and bookkeeping.
        var bytes = release.EmbeddingDim * (release.VectorType == VectorType.HalfVec ? 2L : 4L) + 2L * options.M * 16 + 256;
        return Math.Clamp(64 + rows * bytes * 5 / 4 / (1 << 20), 64, Math.Max(64, options.MaintenanceMemoryMb));
    }

    /// <summary>
    /// The settings of a build's transaction. SET LOCAL: behind a transaction pooler nothing else would be sure to reach the statement, or
    /// to leave the connection again. Hosted databases stop long statements by default; this one is long.
    /// </summary>
    public static string Settings(long memoryMb, int workers) => string.Create(CultureInfo.InvariantCulture,
        $"set local statement_timeout = 0; set local maintenance_work_mem = '{memoryMb}MB'; set local max_parallel_maintenance_workers = {workers};");

    private static async Task TryBuildAsync(
        NpgsqlDataSource db, ReleaseVectors vectors, VectorIndexOptions options, long memoryMb, int workers, CancellationToken ct)
    {
        var opclass = vectors.Release.VectorType == VectorType.HalfVec ? "halfvec_ip_ops" : "vector_ip_ops";
        var build = string.Create(CultureInfo.InvariantCulture,
            $"""
            {Settings(memoryMb, workers)}
            create index if not exists {vectors.Index} on {vectors.Table}
                using hnsw (embedding {vectors.VectorSchema}.{opclass}) with (m = {options.M}, ef_construction = {options.EfConstruction});
            """);
        await db.InTransactionAsync(connection => connection.Sql(build).ExecuteAsync(ct), ct);
    }
}
