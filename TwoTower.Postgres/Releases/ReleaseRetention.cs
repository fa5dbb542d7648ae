using Microsoft.EntityFrameworkCore;
using Npgsql;
using TwoTower.Core;
using TwoTower.Postgres.Connections;
using TwoTower.Postgres.Entities;

namespace TwoTower.Postgres.Releases;

/// <summary>A release that is needed, and why.</summary>
/// <param name="ModelVersion">The release.</param>
/// <param name="Why">By whom or what for.</param>
internal sealed record NeededRelease(string ModelVersion, string Why);

/// <summary>What a retired release gave back.</summary>
/// <param name="ModelVersion">The release.</param>
/// <param name="VectorBytes">Bytes of its vectors and their index.</param>
/// <param name="FileBytes">Bytes of its files.</param>
internal sealed record FreedRelease(string ModelVersion, long VectorBytes, long FileBytes);

/// <summary>What retention did, or would do.</summary>
/// <param name="Retired">Releases that were retired now, oldest first.</param>
/// <param name="Kept">Releases with vectors that stay, and why.</param>
/// <param name="Undropped">Retired releases whose vectors somebody is still reading: dropped by the next run.</param>
/// <param name="Freed">What was freed, of these and of releases that had been retired before; oldest first.</param>
internal sealed record Pruning(
    IReadOnlyList<string> Retired, IReadOnlyList<NeededRelease> Kept, IReadOnlyList<string> Undropped, IReadOnlyList<FreedRelease> Freed);

/// <summary>
/// How releases go: retired in the registry first, so that nobody begins to use one, then its table dropped without making readers wait;
/// pruning also frees the bytes of its files. What was cut off is finished by the next run.
/// </summary>
/// <param name="time">For waits between two tries.</param>
internal sealed class ReleaseRetention(NpgsqlDataSource db, TimeProvider time)
{
    // A drop that waits makes new readers of that table wait too: this long at a time, and not more than this often.
    private const int LockWaitMs = 200, Tries = 25;

    private readonly ReleaseStore _store = new(db);

    /// <summary>Retires a release for good and drops its vectors.</summary>
    /// <param name="modelVersion">The release; one that is retired already has what is left of its vectors dropped.</param>
    /// <param name="ct">Cancels; the release stays retired.</param>
    /// <returns>False when somebody is still reading the vectors after several tries: they are dropped by the next run.</returns>
    /// <exception cref="InputException">There is no such release, it is active, pinned, or being embedded.</exception>
    public async Task<bool> RetireAsync(string modelVersion, string actor, string? reason, CancellationToken ct = default)
    {
        var id = await ReleaseErrors.ExplainAsync(() => db.Sql("select two_tower.retire_release(@version, @actor, @reason)")
            .With("version", modelVersion).With("actor", actor).With("reason", reason).ScalarAsync<long>(ct));
        ReleaseTelemetry.Entered(ReleaseState.Retired);
        return await DropAsync(id, Tries, ct);
    }

    /// <summary>
    /// Keeps the newest releases with vectors and those that somebody needs (<c>two_tower.needed_releases()</c>); retires the others, and
    /// failed ones that are older than the newest kept; and frees the vectors and files of all that are retired, whose rows and history
    /// stay. What is trained or being embedded isn't touched.
    /// </summary>
    /// <param name="keep">How many of the newest, the active one included.</param>
    /// <param name="dryRun">True only says what would be done.</param>
    /// <param name="ct">Cancels; what was retired stays so.</param>
    public async Task<Pruning> PruneAsync(int keep, string actor, bool dryRun, CancellationToken ct = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(keep, 1);
        var all = await _store.ListAsync(ct);
        var kept = (await NeededAsync(ct)).ToList();
        var served = all.Where(release => release.State is ReleaseState.Ready or ReleaseState.Active).ToList();
        kept.AddRange(served.Take(keep).Select(release => new NeededRelease(release.ModelVersion, $"one of the newest {keep}")));
        var needed = kept.Select(release => release.ModelVersion).ToHashSet(StringComparer.Ordinal);
        var newest = served.FirstOrDefault()?.Id ?? 0;
        var old = all.Where(release => !needed.Contains(release.ModelVersion)
            && (release.State == ReleaseState.Ready || (release.State == ReleaseState.Failed && release.Id < newest))).Reverse().ToList();
        var sizes = await SizesAsync([.. all.Where(release => release.State == ReleaseState.Retired).Concat(old)
            .Select(release => release.Id)], ct);
        var (undropped, freed) = (new List<string>(), new List<FreedRelease>());
        foreach (var release in old.ToList())
        {
            if (dryRun) continue;
            try
            {
                var reason = $"pruned: beyond the newest {keep}, and nobody needs it";
                if (!await RetireAsync(release.ModelVersion, actor, reason, ct)) undropped.Add(release.ModelVersion);
            }
            catch (InputException e) when (DatabaseErrors.RuleOf(e) == DatabaseRules.WrongState)
            {
                // Activated, pinned or given an experiment since the list was read.
                old.Remove(release);
                kept.Add(new(release.ModelVersion, e.Message));
                sizes.Remove(release.Id);
            }
        }

        foreach (var (id, size) in sizes)
        {
            if (!dryRun)
            {
                if (!undropped.Contains(size.ModelVersion) && !await DropAsync(id, 1, ct)) undropped.Add(size.ModelVersion);
                await FreeFilesAsync(id, ct);
            }

            freed.Add(undropped.Contains(size.ModelVersion) ? size with { VectorBytes = 0 } : size);
        }

        return new(
            [.. old.Select(release => release.ModelVersion)], kept, undropped,
            [.. freed.Where(size => size.VectorBytes + size.FileBytes > 0)]);
    }

    /// <summary>The releases that somebody needs, and why; a release may be there more than once.</summary>
    public Task<IReadOnlyList<NeededRelease>> NeededAsync(CancellationToken ct = default) =>
        ReleaseErrors.ExplainAsync<IReadOnlyList<NeededRelease>>(async () =>
            await db.Sql("select model_version, why from two_tower.needed_releases() order by model_version, why")
                .ListAsync(row => new NeededRelease(row.Get<string>("model_version"), row.Get<string>("why")), ct));

    /// <summary>Pins a release: it can't be retired until it is unpinned.</summary>
    /// <exception cref="InputException">There is no such release.</exception>
    public async Task PinAsync(string modelVersion, string actor, string? reason, CancellationToken ct = default)
    {
        var release = await _store.GetAsync(modelVersion, ct);
        if (release.State == ReleaseState.Retired) throw new InputException($"Release {modelVersion} is retired: its vectors are gone, there is nothing to pin.");
        await db.Sql(
            """
            insert into two_tower.release_pins (release_id, actor, reason) values (@release, @actor, @reason)
            on conflict (release_id) do update set actor = excluded.actor, reason = excluded.reason, at = clock_timestamp()
            """)
            .With("release", release.Id).With("actor", actor).With("reason", reason).ExecuteAsync(ct);
    }

    /// <summary>Takes a pin away; false when there was none.</summary>
    /// <exception cref="InputException">There is no such release.</exception>
    public async Task<bool> UnpinAsync(string modelVersion, CancellationToken ct = default)
    {
        var release = await _store.GetAsync(modelVersion, ct);
        await using var context = TwoTowerDb.Open(db);
        return await context.Set<ReleasePin>().Where(pin => pin.ReleaseId == release.Id).ExecuteDeleteAsync(ct) > 0;
    }

    // What the releases of these ids have that can be freed, oldest first; without those that have nothing.
    private async Task<SortedDictionary<long, FreedRelease>> SizesAsync(long[] ids, CancellationToken ct) => new(
        (await db.Sql(
            """
            select s.* from (
                select r.release_id, r.model_version,
                    coalesce(pg_total_relation_size(to_regclass(format('two_tower.video_embeddings_%s', r.release_id))), 0) as vectors,
                    (select coalesce(sum(f.size), 0)::bigint from two_tower.release_files f where f.release_id = r.release_id and f.content is not null) as files
                from two_tower.releases r where r.release_id = any (@ids)) s
            where s.vectors + s.files > 0
            """)
            .With("ids", ids)
            .ListAsync(row => (
                Id: row.Get<long>("release_id"),
                Size: new FreedRelease(row.Get<string>("model_version"), row.Get<long>("vectors"), row.Get<long>("files"))), ct))
        .ToDictionary(row => row.Id, row => row.Size));

    private async Task FreeFilesAsync(long id, CancellationToken ct) =>
        await db.Sql("select two_tower.free_release_files(@release)").With("release", id).ExecuteAsync(ct);

    private async Task<bool> DropAsync(long id, int tries, CancellationToken ct)
    {
        for (var attempt = 1; ; attempt++)
        {
            var dropped = await db.Sql("select two_tower.drop_retired_vectors(@release, @wait_ms)")
                .With("release", id).With("wait_ms", LockWaitMs).ScalarAsync<bool>(ct);
            if (dropped) return true;
            if (attempt == tries) return false;
            await Task.Delay(TimeSpan.FromMilliseconds(LockWaitMs), time, ct);
        }
    }
}
