using Npgsql;
using TwoTower.Core;
using TwoTower.Core.Artifacts;
using TwoTower.Core.Inference;
using TwoTower.Postgres.Connections;
using TwoTower.Postgres.Releases;

namespace TwoTower.Embedding.Following;

/// <summary>A release whose vectors follow the videos.</summary>
/// <param name="Release">As it is now.</param>
/// <param name="Vectors">Its table.</param>
/// <param name="Tower">Its item tower; null for a bundle that came without: its vectors can be removed, not made.</param>
internal sealed record FollowedRelease(Release Release, ReleaseVectors Vectors, ItemTower? Tower);

/// <summary>
/// The releases that get every change: all that have vectors and could be served without being embedded anew, be they active, a way back,
/// an experiment's, waiting for an operator, or being embedded. Those that are needed now come first. Towers stay loaded while theirs is
/// among them.
/// </summary>
internal sealed class FollowedReleases(NpgsqlDataSource db, Action<Release, string> warn) : IDisposable
{
    private readonly ReleaseStore _store = new(db);
    private readonly Dictionary<long, FollowedRelease> _loaded = [];
    private readonly SemaphoreSlim _reading = new(1);
    private HashSet<long> _current = [];

    /// <summary>Reads which they are now. A tower that an earlier call returned stays usable until <see cref="Trim"/>.</summary>
    public async Task<IReadOnlyList<FollowedRelease>> ReadAsync(CancellationToken ct)
    {
        await _reading.WaitAsync(ct);
        try
        {
            var order = await OrderAsync(ct);
            if (order.Count == 0) return [];
            var releases = (await _store.ListAsync(ct)).ToDictionary(release => release.Id);
            var followed = new List<FollowedRelease>(order.Count);
            foreach (var id in order.Where(releases.ContainsKey))
            {
                if (!_loaded.TryGetValue(id, out var loaded)) loaded = _loaded[id] = await LoadAsync(releases[id], ct);
                followed.Add(loaded with { Release = releases[id] });
            }

            _current = [.. order];
            return followed;
        }
        finally
        {
            _reading.Release();
        }
    }

    /// <summary>Lets go of towers whose release isn't followed any more; only while none is in use.</summary>
    public void Trim()
    {
        foreach (var id in _loaded.Keys.Where(id => !_current.Contains(id)).ToList()) Remove(id);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var id in _loaded.Keys.ToList()) Remove(id);
        _reading.Dispose();
    }

    private async Task<IReadOnlyList<long>> OrderAsync(CancellationToken ct) => await db.Sql(
        """
        select r.release_id from two_tower.releases r
        where r.state in ('embedding', 'ready', 'active') and to_regclass(format('two_tower.video_embeddings_%s', r.release_id)) is not null
        order by r.state = 'active' desc,
            r.model_version in (select n.model_version from two_tower.needed_releases() n) desc, r.release_id desc
        """).ListAsync<long>(ct);

    private async Task<FollowedRelease> LoadAsync(Release release, CancellationToken ct)
    {
        var vectors = await ReleaseVectors.OpenAsync(db, release, ct);
        try
        {
            var files = await _store.OpenAsync(release.ModelVersion, ct);
            if (files.Contains(ArtifactNames.ItemTower)) return new(release, vectors, ItemTower.FromFiles(files));
            warn(release, "it has no item tower: new and changed videos get no vector in it");
        }
        catch (InputException e)
        {
            // What can't be loaded can't be followed; the gate is where it fails.
            warn(release, $"its item tower can't be loaded, new and changed videos get no vector in it: {e.Message}");
        }

        return new(release, vectors, null);
    }

    private void Remove(long id)
    {
        _loaded[id].Tower?.Dispose();
        _loaded.Remove(id);
    }
}
