using Npgsql;
using TwoTower.Core.Features;
using TwoTower.Core.Releases;

namespace TwoTower.Embedder.Following;

/// <summary>Brings changed videos up to date in every followed release, each with its own tower, in batches that several may share.</summary>
/// <param name="db">The database.</param>
/// <param name="releases">Which releases.</param>
/// <param name="rows">Videos of a batch, at most.</param>
/// <param name="options">Workers and leases.</param>
/// <param name="failed">Told of a video that couldn't be embedded.</param>
internal sealed class ChangeFollower(NpgsqlDataSource db, FollowedReleases releases, int rows, EmbedOptions options, Action<Guid, Exception> failed)
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
                var owner = LeaseOwner.New();
                while (await _queue.LeaseAsync(owner, rows, token) is { Count: > 0 } batch)
                {
                    using var activity = EmbedTelemetry.Source.StartActivity("follow changes");
                    activity?.SetTag("twotower.videos", batch.Count);
                    all.Add(await FollowAsync(owner, batch, token));
                }
            });
        var (waiting, oldest) = await _queue.MeasureAsync(ct);
        EmbedTelemetry.SetWaiting(waiting, oldest);
        return all;
    }

    // A video that can't be embedded mustn't hold up the others: a batch that fails is tried again in halves, down to the one.
    private async Task<Followed> FollowAsync(string owner, IReadOnlyList<QueuedVideo> batch, CancellationToken ct)
    {
        try
        {
            return await WriteAsync(owner, batch, ct);
        }
        catch (Exception e) when (!IsOfServer(e))
        {
            if (batch.Count > 1)
            {
                var followed = await FollowAsync(owner, [.. batch.Take(batch.Count / 2)], ct);
                followed.Add(await FollowAsync(owner, [.. batch.Skip(batch.Count / 2)], ct));
                return followed;
            }

            await _queue.PostponeAsync(owner, batch[0], e.Message, ct);
            EmbedTelemetry.Failures.Add(1);
            failed(batch[0].VideoId, e);
            return new();
        }
    }

    private async Task<Followed> WriteAsync(string owner, IReadOnlyList<QueuedVideo> batch, CancellationToken ct)
    {
        // After the lease: a release that isn't among them yet reads its videos later, and so sees what changed these.
        var followed = await releases.ReadAsync(ct);
        var ids = batch.Select(video => video.VideoId).ToArray();
        var items = new Dictionary<bool, List<ItemPayload>>();
        var result = new Followed();
        foreach (var release in followed)
        {
            // Read once for each way of computing features, whatever the number of releases.
            var mode = release.Release.UseRpcFeatures;
            if (!items.TryGetValue(mode, out var read)) items[mode] = read = await ItemSource.ReadAsync(db, release.Release, ids, ct);
            try
            {
                await WriteAsync(owner, batch, release, read, result, ct);
            }
            catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.UndefinedTable)
            {
                // Retired meanwhile, and its table dropped.
                if ((await releases.ReadAsync(ct)).Any(now => now.Release.Id == release.Release.Id)) throw;
            }
        }

        await FinishAsync(owner, batch, result, ct);
        return result;
    }

    // A transaction for each release: what waits for one release's table doesn't keep the others waiting, and the active one comes first.
    private async Task WriteAsync(
        string owner, IReadOnlyList<QueuedVideo> batch, FollowedRelease release, List<ItemPayload> items, Followed result, CancellationToken ct)
    {
        var encoded = release.Tower is { } tower && items.Count > 0 ? EncodedVideos.From(tower, items) : null;
        await using var connection = await db.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        var held = await _queue.HoldAsync(connection, owner, batch, ct);
        var written = encoded is null ? 0 : await VectorWriter.ReplaceAsync(connection, release.Vectors, encoded.Batch, encoded.Hashes, held, ct);
        var there = items.Select(item => item.VideoId).ToHashSet();
        var removed = await release.Vectors.RemoveAsync(connection, [.. held.Where(id => !there.Contains(id))], ct);
        await transaction.CommitAsync(ct);
        EmbedTelemetry.Rows.Add(written);
        result.Add(written, removed);
        if (release.Release.State == ReleaseState.Active) result.AddActive(release.Vectors, held);
    }

    private async Task FinishAsync(string owner, IReadOnlyList<QueuedVideo> batch, Followed result, CancellationToken ct)
    {
        await using var connection = await db.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        var held = await _queue.HoldAsync(connection, owner, batch, ct);
        var delays = await ChangeQueue.RemoveAsync(connection, held, ct);
        await transaction.CommitAsync(ct);
        result.AddVideos(held.Length);
        EmbedTelemetry.Videos.Add(held.Length);
        foreach (var seconds in delays) EmbedTelemetry.Delay.Record(seconds);
    }

    // Cancelled, no connection, or the server's own trouble (going down, out of something, a deadlock): not the fault of a video.
    private static bool IsOfServer(Exception e) => e switch
    {
        OperationCanceledException => true,
        PostgresException { SqlState: var state } => state[..2] is "08" or "40" or "53" or "55" or "57" or "58",
        NpgsqlException or TimeoutException => true,
        _ => false,
    };
}
