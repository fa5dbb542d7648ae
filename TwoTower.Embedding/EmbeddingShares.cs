using Npgsql;
using NpgsqlTypes;
using TwoTower.Core.Inference;
using TwoTower.Embedding.Encoding;
using TwoTower.Embedding.Leases;
using TwoTower.Embedding.Settings;
using TwoTower.Embedding.Telemetry;
using TwoTower.Postgres.Connections;
using TwoTower.Postgres.Releases;

namespace TwoTower.Embedding;

/// <summary>
/// A release's embedding in shares of a chunk each, which any number of processes take. A share is leased and goes in the transaction that
/// writes its vectors: a killed process loses the shares at hand and no more, and the others take them over when their leases run out.
/// A lease only keeps others from the same work; whoever is done with a share first writes it, and who comes second finds it gone.
/// </summary>
internal sealed class EmbeddingShares(NpgsqlDataSource db, ReleaseVectors vectors, EmbedOptions options, TimeProvider time)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);
    private readonly string _owner = LeaseOwner.New();

    /// <summary>Deals out videos anew, in the connection's transaction; shares of an earlier run are taken back. Only for the holder of the
    /// release's lease.</summary>
    public async Task DealAsync(NpgsqlConnection connection, IReadOnlyList<Guid> videoIds, CancellationToken ct)
    {
        await connection.Sql("delete from two_tower.embedding_shares where release_id = @release").With("release", vectors.Release.Id)
            .ExecuteAsync(ct);
        await using var copy = await connection.BeginBinaryImportAsync(
            "copy two_tower.embedding_shares (release_id, videos, video_ids) from stdin (format binary)", ct);
        foreach (var chunk in videoIds.Chunk(options.ChunkRows))
        {
            await copy.StartRowAsync(ct);
            await copy.WriteAsync(vectors.Release.Id, NpgsqlDbType.Bigint, ct);
            await copy.WriteAsync(chunk.Length, NpgsqlDbType.Integer, ct);
            await copy.WriteAsync(chunk, NpgsqlDbType.Array | NpgsqlDbType.Uuid, ct);
        }

        await copy.CompleteAsync(ct);
    }

    /// <summary>True when a share is left, free or not.</summary>
    public async Task<bool> AnyAsync(CancellationToken ct) => await LeftAsync(ct) > 0;

    /// <summary>Takes shares and embeds them, several at once.</summary>
    /// <param name="tower">The release's item tower.</param>
    /// <param name="untilDone">True waits for what others have taken, and does it when they fall silent; false ends with the last free share.</param>
    /// <param name="left">Told after each share how many videos are left, whoever did the others.</param>
    /// <param name="ct">Cancels; shares that are done stay done.</param>
    /// <returns>Vectors written here.</returns>
    public async Task<long> WorkAsync(ItemTower tower, bool untilDone, Action<long>? left, CancellationToken ct)
    {
        var written = 0L;
        await using var renewal = new LeaseRenewal(options.Lease, time, RenewAsync, ct);
        await Parallel.ForEachAsync(
            Enumerable.Range(0, options.Workers),
            new ParallelOptions { MaxDegreeOfParallelism = options.Workers, CancellationToken = renewal.Held },
            async (_, token) =>
            {
                while (true)
                {
                    if (await TakeAsync(token) is { } taken)
                    {
                        Interlocked.Add(ref written, await EmbedAsync(tower, taken, token));
                        if (left is not null) left(await LeftAsync(token));
                        continue;
                    }

                    if (!untilDone || await LeftAsync(token) == 0) return;
                    await Task.Delay(Pause, time, token);
                }
            });
        return written;
    }

    // Materialized: a join may run a subquery again for each row, and each time it would lock, and take, the next share.
    private Task<TakenShare?> TakeAsync(CancellationToken ct) => db.Sql(
        """
        with free as materialized (
            select f.share_id from two_tower.embedding_shares f
            where f.release_id = @release and (f.lease_until is null or f.lease_until < clock_timestamp())
            order by f.share_id limit 1 for update skip locked)
        update two_tower.embedding_shares s set lease_owner = @owner, lease_until = clock_timestamp() + @lease
        from free where s.share_id = free.share_id
        returning s.share_id, s.video_ids
        """)
        .With("release", vectors.Release.Id).With("owner", _owner).With("lease", options.Lease)
        .FirstOrNullAsync(row => new TakenShare(row.Get<long>("share_id"), row.Get<Guid[]>("video_ids")), ct);

    // Of those that are taken. One that is being written at this moment is locked, and nobody takes it.
    private async Task<bool> RenewAsync(CancellationToken ct)
    {
        await db.Sql(
            """
            update two_tower.embedding_shares s set lease_until = clock_timestamp() + @lease
            from (
                select h.share_id from two_tower.embedding_shares h
                where h.release_id = @release and h.lease_owner = @owner for update skip locked) as held
            where s.share_id = held.share_id
            """)
            .With("release", vectors.Release.Id).With("owner", _owner).With("lease", options.Lease).ExecuteAsync(ct);
        return true;
    }

    private async Task<long> EmbedAsync(ItemTower tower, TakenShare share, CancellationToken ct)
    {
        var items = await ItemSource.Of(vectors.Release, tower).ReadAsync(db, share.VideoIds, ct);
        var encoded = EncodedVideos.From(tower, items);
        await using var connection = await db.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        var isMine = await connection.Sql("delete from two_tower.embedding_shares where share_id = @share").With("share", share.Id)
            .ExecuteAsync(ct) > 0;
        if (!isMine) return 0; // another was faster, or it was taken back
        var written = items.Count == 0 ? 0 : await VectorWriter.AddAsync(connection, vectors, encoded.Batch, encoded.Hashes, ct);
        await transaction.CommitAsync(ct);
        EmbedTelemetry.Rows.Add(written);
        return written;
    }

    private Task<long> LeftAsync(CancellationToken ct) =>
        db.Sql("select coalesce(sum(videos), 0)::bigint from two_tower.embedding_shares where release_id = @release")
            .With("release", vectors.Release.Id).ScalarAsync<long>(ct);

    private sealed record TakenShare(long Id, Guid[] VideoIds);
}
