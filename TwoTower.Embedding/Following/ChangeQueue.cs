using Npgsql;
using TwoTower.Postgres.Connections;

namespace TwoTower.Embedding.Following;

/// <summary>A video whose vectors are out of date, as it was when it was leased.</summary>
/// <param name="VideoId">The video, which may be gone.</param>
/// <param name="ChangeId">Another one by the end: it has changed again.</param>
internal readonly record struct QueuedVideo(Guid VideoId, long ChangeId);

/// <summary>
/// The queue of changed videos, shared by every embedder. A lease only keeps others from the same work; whoever writes vectors proves in
/// the same transaction that the video hasn't changed since it was leased, so that no change is lost and no older vector stays.
/// </summary>
internal sealed class ChangeQueue(NpgsqlDataSource db, TimeSpan lease)
{
    private const int CollectRows = 10_000;

    /// <summary>
    /// Forgets what has changed while no release has vectors: whoever embeds one reads the videos afterwards. One statement: a release that
    /// begins meanwhile isn't in its snapshot, and neither is a change that its embedding wouldn't see.
    /// </summary>
    public Task DiscardAsync(CancellationToken ct) => db.Sql(
        """
        with idle as (select where not exists (select from two_tower.releases where state in ('embedding', 'ready', 'active'))),
            changes as (delete from two_tower.embedding_changes where exists (select from idle))
        delete from two_tower.embedding_queue where exists (select from idle)
        """).ExecuteAsync(ct);

    /// <summary>Leases videos, those first that have waited longest; none when all are leased or up to date.</summary>
    public async Task<IReadOnlyList<QueuedVideo>> LeaseAsync(string owner, int limit, CancellationToken ct)
    {
        await db.Sql("select two_tower.collect_changes(@rows)").With("rows", CollectRows).ExecuteAsync(ct);

        // Materialized: a join may run a subquery again for each row, and each time it would lock, and lease, the next videos.
        return await db.Sql(
            """
            with free as materialized (
                select f.video_id from two_tower.embedding_queue f
                where f.lease_until is null or f.lease_until < clock_timestamp()
                order by f.change_id limit @limit for update skip locked)
            update two_tower.embedding_queue q set lease_owner = @owner, lease_until = clock_timestamp() + @lease
            from free where q.video_id = free.video_id
            returning q.video_id, q.change_id
            """)
            .With("owner", owner).With("lease", lease).With("limit", limit)
            .ListAsync(row => new QueuedVideo(row.Get<Guid>("video_id"), row.Get<long>("change_id")), ct);
    }

    /// <summary>
    /// Those that wait still and haven't changed since they were leased, by whomever they are leased now: what was read of them is as good
    /// as what another reads. Locked to the end of the transaction, and their leases begin anew. One that another worker is at in this
    /// very moment isn't waited for: that worker writes it.
    /// </summary>
    public async Task<Guid[]> HoldAsync(NpgsqlConnection connection, IReadOnlyList<QueuedVideo> videos, CancellationToken ct) =>
    [
        .. await connection.Sql(
            """
            update two_tower.embedding_queue q set lease_until = clock_timestamp() + @lease
            from (
                select h.video_id from two_tower.embedding_queue h
                join unnest(@videos, @changes) as l (video_id, change_id) using (video_id, change_id)
                for update of h skip locked) as held
            where q.video_id = held.video_id
            returning q.video_id
            """)
            .With<Guid[]>("videos", [.. videos.Select(video => video.VideoId)])
            .With<long[]>("changes", [.. videos.Select(video => video.ChangeId)])
            .With("lease", lease)
            .ListAsync<Guid>(ct),
    ];

    /// <summary>Takes out videos that are held in this transaction.</summary>
    /// <returns>How long each change waited, in seconds by the database's clock.</returns>
    public static async Task<IReadOnlyList<double>> RemoveAsync(NpgsqlConnection connection, Guid[] held, CancellationToken ct) =>
        await connection.Sql(
            """
            delete from two_tower.embedding_queue where video_id = any (@held)
            returning greatest(extract(epoch from clock_timestamp() - enqueued_at), 0)::double precision
            """)
            .With("held", held).ListAsync<double>(ct);

    /// <summary>Records that a video couldn't be embedded. It is tried again, later each time, up to every five minutes.</summary>
    public Task PostponeAsync(string owner, QueuedVideo video, string error, CancellationToken ct) => db.Sql(
        """
        update two_tower.embedding_queue
        set attempts = attempts + 1, last_error = @error, lease_owner = null,
            lease_until = clock_timestamp() + least(2 ^ least(attempts + 1, 9), 300) * interval '1 second'
        where video_id = @video and change_id = @change and lease_owner = @owner
        """)
        .With("video", video.VideoId).With("change", video.ChangeId).With("owner", owner).With("error", error).ExecuteAsync(ct);

    /// <summary>Changes that wait, leased or not, and the age of the oldest in seconds by the database's clock.</summary>
    public Task<(long Waiting, double OldestSeconds)> MeasureAsync(CancellationToken ct) => db.Sql(
        """
        select count(*) as waiting, coalesce(extract(epoch from clock_timestamp() - min(at)), 0)::double precision as oldest
        from (select enqueued_at from two_tower.embedding_queue union all select changed_at from two_tower.embedding_changes) as w (at)
        """)
        .SingleAsync(row => (row.Get<long>("waiting"), Math.Max(0, row.Get<double>("oldest"))), ct);
}
