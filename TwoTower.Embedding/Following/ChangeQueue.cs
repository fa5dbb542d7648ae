using Npgsql;

namespace TwoTower.Embedding.Following;

/// <summary>A video whose vectors are out of date, as it was when it was leased.</summary>
/// <param name="VideoId">The video, which may be gone.</param>
/// <param name="ChangeId">Another one by the end: it has changed again.</param>
internal readonly record struct QueuedVideo(Guid VideoId, long ChangeId);

/// <summary>
/// The queue of changed videos, shared by every embedder. A lease only keeps others from the same work; whoever writes vectors proves in the
/// same transaction that the video hasn't changed since it was leased, so that no change is lost and no older vector stays.
/// </summary>
internal sealed class ChangeQueue(NpgsqlDataSource db, TimeSpan lease)
{
    private const int CollectRows = 10_000;

    /// <summary>
    /// Forgets what has changed while no release has vectors: whoever embeds one reads the videos afterwards. One statement: a release that
    /// begins meanwhile isn't in its snapshot, and neither is a change that its embedding wouldn't see.
    /// </summary>
    public async Task DiscardAsync(CancellationToken ct)
    {
        await using var command = db.CreateCommand(
            """
            with idle as (select where not exists (select from two_tower.releases where state in ('embedding', 'ready', 'active'))),
                changes as (delete from two_tower.embedding_changes where exists (select from idle))
            delete from two_tower.embedding_queue where exists (select from idle)
            """);
        await command.ExecuteNonQueryAsync(ct);
    }

    /// <summary>Leases videos, those first that have waited longest; none when all are leased or up to date.</summary>
    public async Task<IReadOnlyList<QueuedVideo>> LeaseAsync(string owner, int limit, CancellationToken ct)
    {
        await using (var collect = db.CreateCommand("select two_tower.collect_changes($1)"))
        {
            collect.Parameters.Add(new() { Value = CollectRows });
            await collect.ExecuteNonQueryAsync(ct);
        }

        // Materialized: a join may run a subquery again for each row, and each time it would lock, and lease, the next videos.
        await using var command = db.CreateCommand(
            """
            with free as materialized (
                select f.video_id from two_tower.embedding_queue f
                where f.lease_until is null or f.lease_until < clock_timestamp()
                order by f.change_id limit $3 for update skip locked)
            update two_tower.embedding_queue q set lease_owner = $1, lease_until = clock_timestamp() + $2
            from free where q.video_id = free.video_id
            returning q.video_id, q.change_id
            """);
        command.Parameters.Add(new() { Value = owner });
        command.Parameters.Add(new() { Value = lease });
        command.Parameters.Add(new() { Value = limit });
        await using var reader = await command.ExecuteReaderAsync(ct);
        var leased = new List<QueuedVideo>();
        while (await reader.ReadAsync(ct)) leased.Add(new(reader.GetGuid(0), reader.GetInt64(1)));
        return leased;
    }

    /// <summary>
    /// Those that wait still and haven't changed since they were leased, by whomever they are leased now: what was read of them is as good as
    /// what another reads. Locked to the end of the transaction, and their leases begin anew. One that another is at in this very moment
    /// isn't waited for, and is his.
    /// </summary>
    public async Task<Guid[]> HoldAsync(NpgsqlConnection connection, IReadOnlyList<QueuedVideo> videos, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(
            """
            update two_tower.embedding_queue q set lease_until = clock_timestamp() + $3
            from (
                select h.video_id from two_tower.embedding_queue h
                join unnest($1, $2) as l (video_id, change_id) using (video_id, change_id)
                for update of h skip locked) as held
            where q.video_id = held.video_id
            returning q.video_id
            """, connection);
        command.Parameters.Add(new() { Value = videos.Select(video => video.VideoId).ToArray() });
        command.Parameters.Add(new() { Value = videos.Select(video => video.ChangeId).ToArray() });
        command.Parameters.Add(new() { Value = lease });
        await using var reader = await command.ExecuteReaderAsync(ct);
        var held = new List<Guid>(videos.Count);
        while (await reader.ReadAsync(ct)) held.Add(reader.GetGuid(0));
        return [.. held];
    }

    /// <summary>Takes out videos that are held in this transaction.</summary>
    /// <returns>How long each change waited, in seconds by the database's clock.</returns>
    public static async Task<IReadOnlyList<double>> RemoveAsync(NpgsqlConnection connection, Guid[] held, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(
            """
            delete from two_tower.embedding_queue where video_id = any ($1)
            returning greatest(extract(epoch from clock_timestamp() - enqueued_at), 0)::double precision
            """, connection);
        command.Parameters.Add(new() { Value = held });
        await using var reader = await command.ExecuteReaderAsync(ct);
        var waited = new List<double>(held.Length);
        while (await reader.ReadAsync(ct)) waited.Add(reader.GetDouble(0));
        return waited;
    }

    /// <summary>Records that a video couldn't be embedded. It is tried again, later each time, up to every five minutes.</summary>
    public async Task PostponeAsync(string owner, QueuedVideo video, string error, CancellationToken ct)
    {
        await using var command = db.CreateCommand(
            """
            update two_tower.embedding_queue
            set attempts = attempts + 1, last_error = $4, lease_owner = null,
                lease_until = clock_timestamp() + least(2 ^ least(attempts + 1, 9), 300) * interval '1 second'
            where video_id = $1 and change_id = $2 and lease_owner = $3
            """);
        command.Parameters.Add(new() { Value = video.VideoId });
        command.Parameters.Add(new() { Value = video.ChangeId });
        command.Parameters.Add(new() { Value = owner });
        command.Parameters.Add(new() { Value = error });
        await command.ExecuteNonQueryAsync(ct);
    }

    /// <summary>Changes that wait, leased or not, and the age of the oldest in seconds by the database's clock.</summary>
    public async Task<(long Waiting, double OldestSeconds)> MeasureAsync(CancellationToken ct)
    {
        await using var command = db.CreateCommand(
            """
            select count(*), coalesce(extract(epoch from clock_timestamp() - min(at)), 0)::double precision
            from (select enqueued_at from two_tower.embedding_queue union all select changed_at from two_tower.embedding_changes) as w (at)
            """);
        await using var reader = await command.ExecuteReaderAsync(ct);
        await reader.ReadAsync(ct);
        return (reader.GetInt64(0), Math.Max(0, reader.GetDouble(1)));
    }
}
