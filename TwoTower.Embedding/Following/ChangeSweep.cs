using Npgsql;
using TwoTower.Core;
using TwoTower.Core.Features;
using TwoTower.Core.Inference;
using TwoTower.Embedding.Encoding;
using TwoTower.Embedding.Leases;
using TwoTower.Embedding.Telemetry;
using TwoTower.Postgres.Connections;
using TwoTower.Postgres.Releases;
using TwoTower.Postgres.Tables;

namespace TwoTower.Embedding.Following;

/// <summary>
/// Compares every video with its vectors, by the hash of its features, and queues those that differ: the way to follow videos where
/// triggers aren't allowed, and the net beneath the triggers where they are. One process at a time.
/// </summary>
internal sealed class ChangeSweep(NpgsqlDataSource db, FollowedReleases releases, TimeSpan lease, TimeProvider time)
{
    private const int PageRows = 1000;

    /// <summary>Sweeps if the last sweep is longer ago than this and nobody else is at it.</summary>
    /// <returns>Videos queued; null when it wasn't due.</returns>
    public async Task<long?> RunAsync(TimeSpan every, CancellationToken ct)
    {
        var followed = await releases.ReadAsync(ct);
        if (followed.Count == 0) return null;
        var owner = LeaseOwner.New();
        if (!await TryTakeAsync(owner, every, ct)) return null;
        await using var renewal = new LeaseRenewal(lease, time, token => RenewAsync(owner, token), ct);
        using var activity = EmbedTelemetry.Source.StartActivity("sweep");
        long found = 0;
        var after = Guid.Empty;
        while (await PageAsync(after, ct) is { Length: > 0 } page)
        {
            if (renewal.Lost) return found;
            found += await EnqueueAsync(await DifferentAsync(followed, page, ct), ct);
            after = page[^1];
        }

        foreach (var release in followed) found += await EnqueueAsync(await release.Vectors.WithoutVideoAsync(ct), ct);
        await FinishAsync(owner, ct);
        activity?.SetTag("twotower.videos", found);
        EmbedTelemetry.Swept.Add(found);
        return found;
    }

    /// <summary>Queues videos that have no vector in a release, the first so many: what a sweep finds, sooner and without reading any
    /// video.</summary>
    public async Task<long> QueueNewAsync(int limit, CancellationToken ct)
    {
        var found = new HashSet<Guid>();
        foreach (var release in (await releases.ReadAsync(ct)).Where(IsWhole)) found.UnionWith(
            await release.Vectors.WithoutVectorAsync(limit, ct));
        return await EnqueueAsync([.. found], ct);
    }

    // While a release is being embedded, a video without a vector is one whose turn comes.
    private static bool IsWhole(FollowedRelease release) => release.Tower is not null && release.Release.State != ReleaseState.Embedding;

    private async Task<IReadOnlyCollection<Guid>> DifferentAsync(IReadOnlyList<FollowedRelease> followed, Guid[] page, CancellationToken ct)
    {
        var different = new HashSet<Guid>();
        var items = new Dictionary<ItemSource, List<ItemPayload>>();
        foreach (var release in followed)
        {
            if (release.Tower is not { } tower) continue;
            var source = ItemSource.Of(release.Release, tower);
            if (!items.TryGetValue(source, out var read)) items[source] = read = await source.ReadAsync(db, page, ct);
            var stored = await release.Vectors.HashesAsync(page, ct);
            foreach (var item in read)
            {
                var there = stored.TryGetValue(item.VideoId, out var hash);
                if (there ? hash != Hash(tower, item) : IsWhole(release)) different.Add(item.VideoId);
            }
        }

        return different;
    }

    // Null for features that this tower can't read: whoever embeds the video says why, in the queue.
    private static long? Hash(ItemTower tower, ItemPayload item)
    {
        try
        {
            Span<long> hash = [0];
            tower.Hash([item], hash);
            return hash[0];
        }
        catch (InputException)
        {
            return null;
        }
    }

    private async Task<Guid[]> PageAsync(Guid after, CancellationToken ct) =>
        [.. await WholeTables.ReadAsync(
            db, WholeTables.Catalogue,
            connection => connection.Sql("select id from public.videos where id > @after order by id limit @rows").With("after", after)
                .With("rows", PageRows).ListAsync<Guid>(ct), ct)];

    // Not those that wait already: asking again would take them from whoever is at them.
    private async Task<long> EnqueueAsync(IReadOnlyCollection<Guid> videoIds, CancellationToken ct)
    {
        if (videoIds.Count == 0) return 0;
        return await db.Sql(
            """
            select two_tower.enqueue_videos(array(
                select v.id from unnest(@ids) as v (id)
                where not exists (select from two_tower.embedding_queue q where q.video_id = v.id)))
            """)
            .With<Guid[]>("ids", [.. videoIds]).ScalarAsync<long>(ct);
    }

    private async Task<bool> TryTakeAsync(string owner, TimeSpan every, CancellationToken ct) => await db.Sql(
        """
        update two_tower.embedding_sweep set lease_owner = @owner, lease_until = clock_timestamp() + @lease
        where (swept_at is null or swept_at < clock_timestamp() - @every) and (lease_until is null or lease_until < clock_timestamp())
        """)
        .With("owner", owner).With("lease", lease).With("every", every).ExecuteAsync(ct) == 1;

    private async Task<bool> RenewAsync(string owner, CancellationToken ct) =>
        await db.Sql("update two_tower.embedding_sweep set lease_until = clock_timestamp() + @lease where lease_owner = @owner")
            .With("owner", owner).With("lease", lease).ExecuteAsync(ct) == 1;

    private async Task FinishAsync(string owner, CancellationToken ct) => await db.Sql(
        """
        update two_tower.embedding_sweep set swept_at = clock_timestamp(), lease_owner = null, lease_until = null where lease_owner = @owner
        """)
        .With("owner", owner).ExecuteAsync(ct);
}
