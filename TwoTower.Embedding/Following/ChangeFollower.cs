using Npgsql;
using TwoTower.Core.Features;
using TwoTower.Embedding.Encoding;
using TwoTower.Embedding.Leases;
using TwoTower.Embedding.Settings;
using TwoTower.Embedding.Telemetry;
using TwoTower.Postgres.Connections;
using TwoTower.Postgres.Releases;

namespace TwoTower.Embedding.Following;

/// <summary>Brings changed videos up to date in every followed release, each with its own tower, in batches that several may
/// share.</summary>
/// <param name="releases">Which releases.</param>
/// <param name="rows">Videos of a batch, at most.</param>
/// <param name="options">Workers and leases.</param>
/// <param name="time">For how long batches are kept.</param>
/// <param name="failed">Told of a video that couldn't be embedded.</param>
internal sealed class ChangeFollower(
    NpgsqlDataSource db, FollowedReleases releases, int rows, EmbedOptions options, TimeProvider time, Action<Guid, Exception> failed)
{
    private readonly ChangeQueue _queue = new(db, options.Lease);

    /// <summary>Works until nothing waits that can be leased.</summary>
    public async Task<Followed> RunAsync(CancellationToken ct)
    {
        await _queue.DiscardAsync(ct);
        var all = new Followed();
        await Parallel.ForEachAsync(
            Enumerable.Range(0, options.Workers),
            new ParallelOptions { MaxDegreeOfParallelism = options.Workers, CancellationToken = ct },
            async (_, token) =>
            {
                while (await FollowSomeAsync(all, token))
                {
                }
            });
        var (waiting, oldest) = await _queue.MeasureAsync(ct);
        EmbedTelemetry.SetWaiting(waiting, oldest);
        return all;
    }

    // The release that is served gets the changes of all batches before any other gets one; but no more are begun than are finished, in all
    // releases, before their lease runs out.
    private async Task<bool> FollowSomeAsync(Followed all, CancellationToken ct)
    {
        if (await LeaseAsync(ct) is not { } next) return false;
        using var activity = EmbedTelemetry.Source.StartActivity("follow changes");
        var batches = new List<Batch>();
        var begun = time.GetTimestamp();
        for (var batch = next; batch is not null;)
        {
            batches.Add(batch);
            await GuardAsync(batch, all, () => BeginAsync(batch, all, ct), ct);
            batch = time.GetElapsedTime(begun) < options.Lease / 3 / Math.Max(1, batch.Releases.Count - 1) ? await LeaseAsync(ct) : null;
        }

        foreach (var batch in batches.Where(batch => !batch.IsDone)) await GuardAsync(batch, all, () => FinishAsync(batch, all, ct), ct);
        activity?.SetTag("twotower.videos", batches.Sum(batch => batch.Ids.Length));
        return true;
    }

    private async Task<Batch?> LeaseAsync(CancellationToken ct)
    {
        var owner = LeaseOwner.New();
        return await _queue.LeaseAsync(owner, rows, ct) is { Count: > 0 } videos ? new(owner, videos) : null;
    }

    // A video that can't be embedded mustn't hold up the others: a batch that fails is tried again in halves, down to the one.
    private async Task GuardAsync(Batch batch, Followed all, Func<Task> work, CancellationToken ct)
    {
        try
        {
            await work();
        }
        catch (Exception e) when (!IsOfServer(e))
        {
            batch.IsDone = true;
            if (batch.Videos.Count == 0) return; // another is at all of them
            if (batch.Videos.Count > 1)
            {
                foreach (var half in batch.Videos.Chunk((batch.Videos.Count + 1) / 2).Select(half => new Batch(batch.Owner, half)))
                {
                    await GuardAsync(half, all, () => BeginAsync(half, all, ct), ct);
                    if (!half.IsDone) await GuardAsync(half, all, () => FinishAsync(half, all, ct), ct);
                }

                return;
            }

            await _queue.PostponeAsync(batch.Owner, batch.Videos[0], e.Message, ct);
            EmbedTelemetry.Failures.Add(1);
            failed(batch.Videos[0].VideoId, e);
        }
    }

    private async Task BeginAsync(Batch batch, Followed all, CancellationToken ct)
    {
        // After the lease: a release that isn't among them yet reads its videos later, and so sees what changed these.
        batch.Releases = await releases.ReadAsync(ct);
        if (batch.Releases.Count > 0) await WriteAsync(batch, batch.Releases[0], all, ct);
    }

    private async Task FinishAsync(Batch batch, Followed all, CancellationToken ct)
    {
        foreach (var release in batch.Releases.Skip(1)) await WriteAsync(batch, release, all, ct);
        await using var connection = await db.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        var held = await _queue.HoldAsync(connection, batch.Videos, ct);
        var delays = await ChangeQueue.RemoveAsync(connection, held, ct);
        await transaction.CommitAsync(ct);
        batch.IsDone = true;
        all.AddVideos(held.Length);
        EmbedTelemetry.Videos.Add(held.Length);
        foreach (var seconds in delays) EmbedTelemetry.Delay.Record(seconds);
    }

    private async Task WriteAsync(Batch batch, FollowedRelease release, Followed all, CancellationToken ct)
    {
        try
        {
            // Read once for each way of computing features, whatever the number of releases.
            var source = ItemSource.Of(release.Release, release.Tower);
            if (!batch.Items.TryGetValue(source, out var items)) batch.Items[source] = items = await source.ReadAsync(db, batch.Ids, ct);
            await WriteAsync(batch, release, items, all, ct);
        }
        catch (PostgresException e) when (DatabaseErrors.FaultOf(e) == DatabaseFault.NotMigrated)
        {
            // Retired meanwhile, and its table dropped.
            if ((await releases.ReadAsync(ct)).Any(now => now.Release.Id == release.Release.Id)) throw;
        }
    }

    // A transaction for each release: what waits for one release's table doesn't keep the others waiting.
    private async Task WriteAsync(Batch batch, FollowedRelease release, List<ItemPayload> items, Followed all, CancellationToken ct)
    {
        var encoded = release.Tower is { } tower && items.Count > 0 ? EncodedVideos.From(tower, items) : null;
        await using var connection = await db.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        var held = await _queue.HoldAsync(connection, batch.Videos, ct);
        var written = encoded is null
            ? 0 : await VectorWriter.ReplaceAsync(connection, release.Vectors, encoded.Batch, encoded.Hashes, held, ct);
        var there = items.Select(item => item.VideoId).ToHashSet();
        var removed = await release.Vectors.RemoveAsync(connection, [.. held.Where(id => !there.Contains(id))], ct);
        await transaction.CommitAsync(ct);
        batch.Keep(held);
        EmbedTelemetry.Rows.Add(written);
        all.Add(written, removed);
        if (release.Release.State == ReleaseState.Active) all.AddActive(release.Vectors, held);
    }

    // Cancelled, no connection, or the server's own trouble (going down, out of something, a deadlock): not the fault of a video.
    private static bool IsOfServer(Exception e) =>
        e is OperationCanceledException || DatabaseErrors.IsPassing(e) || DatabaseErrors.FaultOf(e) == DatabaseFault.Cancelled;

    private sealed class Batch(string owner, IReadOnlyList<QueuedVideo> videos)
    {
        public string Owner => owner;

        public IReadOnlyList<QueuedVideo> Videos { get; private set; } = videos;

        public Guid[] Ids { get; } = [.. videos.Select(video => video.VideoId)];

        public Dictionary<ItemSource, List<ItemPayload>> Items { get; } = [];

        public IReadOnlyList<FollowedRelease> Releases { get; set; } = [];

        public bool IsDone { get; set; }

        /// <summary>Lets go of the others: what wasn't written into one release mustn't be taken for done after the rest.</summary>
        public void Keep(Guid[] held)
        {
            var kept = held.ToHashSet();
            Videos = [.. Videos.Where(video => kept.Contains(video.VideoId))];
        }
    }
}
