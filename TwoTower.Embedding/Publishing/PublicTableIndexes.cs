using Npgsql;
using TwoTower.Postgres.Connections;
using TwoTower.Postgres.Releases;

namespace TwoTower.Embedding.Publishing;

/// <summary>
/// The vector indexes of <c>public.video_embeddings</c> while it is filled for the first time: dropped and built again, as they were, in the
/// same transaction. A table that has rows keeps them: its readers would have to wait.
/// </summary>
internal static class PublicTableIndexes
{
    /// <summary>Drops the vector indexes of an empty table that is ours to change; returns their definitions.</summary>
    public static async Task<IReadOnlyList<string>> SetAsideAsync(TransactionSql sql)
    {
        const string empty = "select not exists (select from public.video_embeddings)";
        var mine = await sql.ScalarAsync<bool>(
            "select pg_has_role(relowner, 'usage') from pg_class where oid = 'public.video_embeddings'::regclass");
        if (!mine || !await sql.ScalarAsync<bool>(empty)) return [];

        await sql.ExecuteAsync("savepoint set_aside; set local lock_timeout = '2s'");
        try
        {
            await sql.ExecuteAsync("lock table public.video_embeddings in access exclusive mode");
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.LockNotAvailable)
        {
            await sql.ExecuteAsync("rollback to savepoint set_aside"); // somebody is reading it: the slow way, without a lock
            return [];
        }

        await sql.ExecuteAsync("set local lock_timeout = 0");
        if (!await sql.ScalarAsync<bool>(empty)) return [];
        // Partial, unique or constraint-backed ones are somebody's design: left alone.
        const string indexes =
            """
            from pg_index i join pg_class c on c.oid = i.indexrelid join pg_am a on a.oid = c.relam
            where i.indrelid = 'public.video_embeddings'::regclass and a.amname in ('hnsw', 'ivfflat') and i.indpred is null and not i.indisunique
            """;
        var definitions = await sql.ListAsync<string>($"select pg_get_indexdef(i.indexrelid) {indexes} order by 1");
        foreach (var name in await sql.ListAsync<string>($"select i.indexrelid::regclass::text {indexes}")) await sql.ExecuteAsync($"drop index {name}");
        return definitions;
    }

    /// <summary>Builds the indexes again.</summary>
    public static async Task RestoreAsync(
        TransactionSql sql, IReadOnlyList<string> definitions, ReleaseVectors vectors, int length, VectorIndexOptions options, long rows)
    {
        if (definitions.Count == 0) return;
        var workers = vectors.VectorVersion < ServerCheck.SafeVector ? 0 : options.ParallelWorkers;
        var memory = VectorIndex.MemoryMb(vectors.Release with { EmbeddingDim = length, VectorType = VectorType.Vector }, options, rows);
        await sql.ExecuteAsync("savepoint restore");
        try
        {
            await BuildAsync(workers);
        }
        catch (PostgresException e) when (workers > 0 && e.MessageText.Contains("shared memory", StringComparison.Ordinal))
        {
            await sql.ExecuteAsync("rollback to savepoint restore"); // a container's 64 MB: one process needs none
            await BuildAsync(0);
        }

        async Task BuildAsync(int helpers)
        {
            await sql.ExecuteAsync(VectorIndex.Settings(memory, helpers));
            foreach (var definition in definitions) await sql.ExecuteAsync(definition);
        }
    }
}
