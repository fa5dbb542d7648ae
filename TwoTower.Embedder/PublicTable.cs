using Npgsql;
using TwoTower.Core.Releases;

namespace TwoTower.Embedder;

/// <summary>
/// Keeps <c>public.video_embeddings</c>, which readers of the original system know, in step with the active release. Our own API never
/// reads it. Readers see the vectors of one release or of the other, never of both: it is one transaction.
/// </summary>
internal static class PublicTable
{
    private const int ChunkRows = 2000;

    /// <summary>True when the table's vectors have this release's type and length.</summary>
    public static async Task<bool> FitsAsync(NpgsqlDataSource db, Release release, CancellationToken ct)
    {
        await using var command = db.CreateCommand(
            """
            select exists (
                select from pg_attribute a join pg_type t on t.oid = a.atttypid
                where a.attrelid = to_regclass('public.video_embeddings') and a.attname = 'embedding'
                    and t.typname = 'vector' and a.atttypmod = $1)
            """);
        command.Parameters.Add(new() { Value = release.EmbeddingDim });
        return (bool)(await command.ExecuteScalarAsync(ct))!;
    }

    /// <summary>Writes what differs and deletes what is stale, if the release is active still.</summary>
    /// <param name="db">The database.</param>
    /// <param name="vectors">The active release's.</param>
    /// <param name="index">For the index of a table that is filled for the first time.</param>
    /// <param name="done">Told how many of the videos are through.</param>
    /// <param name="ct">Cancels; the table stays as it was.</param>
    /// <returns>Rows written and rows deleted; null when another release is active by now.</returns>
    public static async Task<(long Written, long Deleted)?> SyncAsync(
        NpgsqlDataSource db, ReleaseVectors vectors, VectorIndexOptions index, Action<long>? done, CancellationToken ct)
    {
        await using var connection = await db.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        var sql = new TransactionSql(connection, transaction, ct);
        if (!await BeginAsync(sql, vectors)) return null;

        // Rows go into an HNSW index one by one many times slower than a new index is built over all of them.
        var rebuild = await PublicTableIndexes.SetAsideAsync(sql);
        long written = 0, through = 0;
        foreach (var ids in (await sql.ListAsync<Guid>($"select video_id from {vectors.Table} order by video_id")).Chunk(ChunkRows))
        {
            written += await WriteAsync(sql, vectors, ids);
            done?.Invoke(through += ids.Length);
        }

        var deleted = await sql.ExecuteAsync(
            $"""
            delete from public.video_embeddings p
            where not exists (select from {vectors.Table} e join public.videos v on v.id = e.video_id where e.video_id = p.video_id)
            """);
        await PublicTableIndexes.RestoreAsync(sql, rebuild, vectors, index, written);
        await transaction.CommitAsync(ct);
        return (written, deleted);
    }

    /// <summary>Writes those of some videos that differ and deletes those that have no vector, if the release is active still.</summary>
    /// <param name="db">The database.</param>
    /// <param name="vectors">The active release's.</param>
    /// <param name="videoIds">The videos.</param>
    /// <param name="ct">Cancels; the table stays as it was.</param>
    /// <returns>False when another release is active by now.</returns>
    public static async Task<bool> SyncVideosAsync(NpgsqlDataSource db, ReleaseVectors vectors, Guid[] videoIds, CancellationToken ct)
    {
        await using var connection = await db.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        var sql = new TransactionSql(connection, transaction, ct);
        if (!await BeginAsync(sql, vectors)) return false;
        await WriteAsync(sql, vectors, videoIds);
        await sql.ExecuteAsync(
            $"""
            delete from public.video_embeddings p
            where p.video_id = any ($1)
                and not exists (select from {vectors.Table} e join public.videos v on v.id = e.video_id where e.video_id = p.video_id)
            """, videoIds);
        await transaction.CommitAsync(ct);
        return true;
    }

    // True when the release is the active one: then it is to the end of the sync, as far as this table is concerned.
    private static async Task<bool> BeginAsync(TransactionSql sql, ReleaseVectors vectors)
    {
        // The comparison of vectors is an operator of the extension's schema, wherever that is.
        await sql.ExecuteAsync($"set local statement_timeout = 0; set local search_path = public, {vectors.VectorSchema}, pg_catalog");
        // One sync at a time; two would only wait for each other's rows.
        await sql.ExecuteAsync("select pg_advisory_xact_lock(hashtextextended('two_tower.sync_public', 0))");
        return await sql.ScalarAsync<long?>("select release_id from two_tower.active_release") == vectors.Release.Id;
    }

    private static Task<long> WriteAsync(TransactionSql sql, ReleaseVectors vectors, Guid[] videoIds) => sql.ExecuteAsync(
        $"""
        insert into public.video_embeddings as p (video_id, embedding, updated_at)
        select e.video_id, e.embedding::{vectors.VectorSchema}.vector, now()
        from {vectors.Table} e
        join public.videos v on v.id = e.video_id
        left join public.video_embeddings o on o.video_id = e.video_id
        where e.video_id = any ($1) and (o.video_id is null or o.embedding is distinct from e.embedding::{vectors.VectorSchema}.vector)
        order by e.video_id
        on conflict (video_id) do update set embedding = excluded.embedding, updated_at = excluded.updated_at
        """, videoIds);
}
