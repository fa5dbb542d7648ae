using TwoTower.Core.Inference;
using TwoTower.Core.Releases;

namespace TwoTower.Core.Recommendation;

/// <summary>
/// The user towers of the releases in use: each is loaded once, also when many requests ask for it at the same time, and the one that
/// was asked for longest ago makes room. Thread-safe.
/// </summary>
/// <param name="releases">Where the files come from, every hash checked.</param>
/// <param name="capacity">Most towers kept.</param>
public sealed class TowerCache(ReleaseStore releases, int capacity) : IDisposable
{
    private readonly Lock _lock = new();
    private readonly LinkedList<Entry> _entries = [];

    /// <summary>The tower of a release.</summary>
    /// <exception cref="InputException">There is no such release, or its files can't be used; asked again, it is tried again.</exception>
    public async Task<UserTower> GetAsync(string modelVersion, CancellationToken ct)
    {
        var entry = Find(modelVersion);
        try
        {
            // The load is shared: a request that is given up doesn't end it for the others.
            return await entry.Tower.Value.WaitAsync(ct).ConfigureAwait(false);
        }
        catch when (entry.Tower.Value.IsFaulted)
        {
            Forget(entry);
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_lock)
        {
            foreach (var entry in _entries) entry.Release();
            _entries.Clear();
        }
    }

    private Entry Find(string modelVersion)
    {
        lock (_lock)
        {
            for (var node = _entries.First; node is not null; node = node.Next)
            {
                if (node.Value.ModelVersion != modelVersion) continue;
                _entries.Remove(node);
                _entries.AddFirst(node);
                return node.Value;
            }

            var entry = new Entry(modelVersion, new(() => LoadAsync(modelVersion)));
            _entries.AddFirst(entry);
            if (_entries.Count > capacity)
            {
                _entries.Last!.Value.Release();
                _entries.RemoveLast();
            }

            return entry;
        }
    }

    private void Forget(Entry entry)
    {
        lock (_lock) _entries.Remove(entry);
    }

    private async Task<UserTower> LoadAsync(string modelVersion)
    {
        using var span = ServingTelemetry.Source.StartActivity("load tower");
        span?.SetTag("twotower.model_version", modelVersion);
        return UserTower.FromFiles(await releases.OpenAsync(modelVersion, CancellationToken.None).ConfigureAwait(false));
    }

    private sealed record Entry(string ModelVersion, Lazy<Task<UserTower>> Tower)
    {
        /// <summary>Frees the tower; one that still loads is freed when it is there, one that runs when its calls are done.</summary>
        public void Release()
        {
            if (!Tower.IsValueCreated) return;
            _ = Tower.Value.ContinueWith(
                static loaded => loaded.Result.Dispose(), CancellationToken.None,
                TaskContinuationOptions.OnlyOnRanToCompletion, TaskScheduler.Default);
        }
    }
}
