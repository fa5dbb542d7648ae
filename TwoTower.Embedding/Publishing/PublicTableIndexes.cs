using Npgsql;
using TwoTower.Postgres.Connections;
using TwoTower.Postgres.Releases;

namespace TwoTower.Embedding.Publishing;

/// <summary>
/// The vector indexes of <c>public.video_embeddings</c> while it is filled for the first time: dropped and built again, as they were, in
/// the same transaction. A table that has rows keeps them: its readers would have to wait.
/// </summary>
internal static class PublicTableIndexes
{
    /// <summary>Drops the vector indexes of an empty table that is ours to change; returns their definitions.</summary>
    public static async Task<IReadOnlyList<string>> SetAsideAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        const string empty = "select not exists (select from public.video_embeddings)";
        var mine = await connection.Sql(
            "select pg_has_role(relowner, 'usage') from pg_class where oid = 'public.video_embeddings'::regclass").ScalarAsync<bool>(ct);
        if (!mine || !await connection.Sql(empty).ScalarAsync<bool>(ct)) return [];

        await connection.Sql("savepoint set_aside; set local lock_timeout = '2s'").ExecuteAsync(ct);
        try
        {
            await connection.Sql("lock table public.video_embeddings in access exclusive mode").ExecuteAsync(ct);
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.LockNotAvailable)
        {
            await connection.Sql("rollback to savepoint set_aside")
                .ExecuteAsync(ct); // somebody is reading it: the slow way, without a lock
            return [];
        }

        await connection.Sql("set local lock_timeout = 0").ExecuteAsync(ct);
        if (!await connection.Sql(empty).ScalarAsync<bool>(ct)) return [];
        // Partial, unique or constraint-backed ones are somebody's design: left alone.
        const string indexes =
            """
            from pg_index i join pg_class c on c.oid = i.indexrelid join pg_am a on a.oid = c.relam
            where i.indrelid = 'public.video_embeddings'::regclass and a.amname in ('hnsw', 'ivfflat') and i.indpred is null and not i.indisunique
            """;
        var definitions = await connection.Sql($"select pg_get_indexdef(i.indexrelid) {indexes} order by 1").ListAsync<string>(ct);
        foreach (var name in await connection.Sql($"select i.indexrelid::regclass::text {indexes}")
            .ListAsync<string>(ct)) await connection.Sql($"drop index {name}").ExecuteAsync(ct);
        return definitions;
    }

    /// <summary>Builds the indexes again.</summary>
    public static async Task RestoreAsync(
        NpgsqlConnection connection, IReadOnlyList<string> definitions, ReleaseVectors vectors, int length, VectorIndexOptions options,
        long rows, CancellationToken ct)
    {
        if (definitions.Count == 0) return;
        var workers = vectors.VectorVersion < ServerCheck.SafeVector ? 0 : options.ParallelWorkers;
        var memory = VectorIndex.MemoryMb(vectors.Release with { EmbeddingDim = length, VectorType = VectorType.Vector }, options, rows);
        await connection.Sql("savepoint restore").ExecuteAsync(ct);
        try
        {
            await BuildAsync(workers);
        }
        catch (PostgresException e) when (workers > 0 && DatabaseErrors.IsShortOfSharedMemory(e))
        {
            await connection.Sql("rollback to savepoint restore").ExecuteAsync(ct);
            await BuildAsync(0);
        }

        async Task BuildAsync(int helpers)
        {
            await connection.Sql(VectorIndex.Settings(memory, helpers)).ExecuteAsync(ct);
            foreach (var definition in definitions) await connection.Sql(definition).ExecuteAsync(ct);
        }
    }
}
