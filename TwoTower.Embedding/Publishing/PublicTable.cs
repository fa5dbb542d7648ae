using Npgsql;
using TwoTower.Postgres.Connections;
using TwoTower.Postgres.Releases;

namespace TwoTower.Embedding.Publishing;

/// <summary>
/// Keeps <c>public.video_embeddings</c>, which readers of the original system know, in step with the active release. Our own API never
/// reads it. Readers see the vectors of one release or of the other, never of both: it is one transaction. Where the table's vectors are
/// shorter than a nested release's (<see cref="Release.IsNested"/>), they are its first numbers and one more that makes their length 1: with the first numbers of
/// a user's vector and a 0, cosines rank as the release cut to these dimensions does.
/// </summary>
internal static class PublicTable
{
    private const int ChunkRows = 2000;

    /// <summary>The length of the table's vectors; null when this release can't give such.</summary>
    public static async Task<int?> FitAsync(NpgsqlDataSource db, Release release, CancellationToken ct)
    {
        var found = await db.Sql(
            """
            select a.atttypmod
            from pg_attribute a join pg_type t on t.oid = a.atttypid
            where a.attrelid = to_regclass('public.video_embeddings') and a.attname = 'embedding' and t.typname = 'vector'
            """).ScalarAsync<int?>(ct);
        return found is { } length && (length == release.EmbeddingDim || (release.IsNested && length > 1 && length < release.EmbeddingDim))
            ? length : null;
    }

    /// <summary>Writes what differs and deletes what is stale, if the release is active still.</summary>
    /// <param name="vectors">The active release's.</param>
    /// <param name="length">Of the table's vectors (<see cref="FitAsync"/>).</param>
    /// <param name="index">For the index of a table that is filled for the first time.</param>
    /// <param name="done">Told how many of the videos are through.</param>
    /// <param name="ct">Cancels; the table stays as it was.</param>
    /// <returns>Rows written and rows deleted; null when another release is active by now.</returns>
    public static async Task<(long Written, long Deleted)?> SyncAsync(
        NpgsqlDataSource db, ReleaseVectors vectors, int length, VectorIndexOptions index, Action<long>? done, CancellationToken ct)
    {
        await using var connection = await db.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        if (!await BeginAsync(connection, vectors, ct)) return null;

        // Rows go into an HNSW index one by one many times slower than a new index is built over all of them.
        var rebuild = await PublicTableIndexes.SetAsideAsync(connection, ct);
        long written = 0, through = 0;
        foreach (var ids in (await connection.Sql($"select video_id from {vectors.Table} order by video_id")
            .ListAsync<Guid>(ct)).Chunk(ChunkRows))
        {
            written += await WriteAsync(connection, vectors, length, ids, ct);
            done?.Invoke(through += ids.Length);
        }

        var deleted = await connection.Sql(
            $"""
            delete from public.video_embeddings p
            where not exists (select from {vectors.Table} e join public.videos v on v.id = e.video_id where e.video_id = p.video_id)
            """).ExecuteAsync(ct);
        await PublicTableIndexes.RestoreAsync(connection, rebuild, vectors, length, index, written, ct);
        await connection.Sql("update two_tower.public_vectors set model_version = @version, synced_at = clock_timestamp()")
            .With("version", vectors.Release.ModelVersion).ExecuteAsync(ct);
        await transaction.CommitAsync(ct);
        return (written, deleted);
    }

    /// <summary>Writes those of some videos that differ and deletes those that have no vector, if the release is active still.</summary>
    /// <param name="vectors">The active release's.</param>
    /// <param name="length">Of the table's vectors.</param>
    /// <param name="videoIds">The videos.</param>
    /// <param name="ct">Cancels; the table stays as it was.</param>
    /// <returns>False when another release is active by now.</returns>
    public static async Task<bool> SyncVideosAsync(
        NpgsqlDataSource db, ReleaseVectors vectors, int length, Guid[] videoIds, CancellationToken ct)
    {
        await using var connection = await db.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        if (!await BeginAsync(connection, vectors, ct)) return false;
        await WriteAsync(connection, vectors, length, videoIds, ct);
        await connection.Sql(
            $"""
            delete from public.video_embeddings p
            where p.video_id = any (@ids)
                and not exists (select from {vectors.Table} e join public.videos v on v.id = e.video_id where e.video_id = p.video_id)
            """).With("ids", videoIds).ExecuteAsync(ct);
        await transaction.CommitAsync(ct);
        return true;
    }

    // True when the release is the active one: then it is to the end of the sync, as far as this table is concerned.
    private static async Task<bool> BeginAsync(NpgsqlConnection connection, ReleaseVectors vectors, CancellationToken ct)
    {
        // The comparison of vectors is an operator of the extension's schema, wherever that is.
        await connection.Sql($"set local statement_timeout = 0; set local search_path = public, {vectors.VectorSchema}, pg_catalog")
            .ExecuteAsync(ct);
        // One sync at a time; two would only wait for each other's rows.
        await connection.Sql("select pg_advisory_xact_lock(hashtextextended('two_tower.sync_public', 0))").ExecuteAsync(ct);
        return await connection.Sql("select release_id from two_tower.active_release").ScalarAsync<long?>(ct) == vectors.Release.Id;
    }

    private static Task<int> WriteAsync(
        NpgsqlConnection connection, ReleaseVectors vectors, int length, Guid[] videoIds, CancellationToken ct) => connection.Sql(
        $"""
        insert into public.video_embeddings as p (video_id, embedding, updated_at)
        select e.video_id, {Embedding(vectors, length)}, now()
        from {vectors.Table} e
        join public.videos v on v.id = e.video_id
        left join public.video_embeddings o on o.video_id = e.video_id
        where e.video_id = any (@ids) and (o.video_id is null or o.embedding is distinct from {Embedding(vectors, length)})
        order by e.video_id
        on conflict (video_id) do update set embedding = excluded.embedding, updated_at = excluded.updated_at
        """).With("ids", videoIds).ExecuteAsync(ct);

    private static string Embedding(ReleaseVectors vectors, int length)
    {
        var type = $"{vectors.VectorSchema}.vector";
        if (length == vectors.Release.EmbeddingDim) return $"e.embedding::{type}";
        var first = $"subvector(e.embedding::{type}, 1, {length - 1})";
        return $"({first} || array[sqrt(greatest(0, 1 + ({first} <#> {first})))]::real[]::{type})"; // <#> is −(a · b)
    }
}
