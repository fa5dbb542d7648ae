using TwoTower.Core;
using TwoTower.Core.Inference;
using TwoTower.Postgres.Releases;

namespace TwoTower.Postgres.Serving;

/// <summary>
/// The user towers of the releases in use: each is loaded once, also when many requests ask for it at the same time, and the one that
/// was asked for longest ago makes room. Freed once nobody has it borrowed any more. Thread-safe.
/// </summary>
/// <param name="releases">Where the files come from, every hash checked.</param>
/// <param name="capacity">Most towers kept; those that made room and are borrowed still come on top.</param>
internal sealed class TowerCache(ReleaseStore releases, int capacity) : IDisposable
{
    private readonly Lock _lock = new();
    private readonly LinkedList<Entry> _entries = [];

    /// <summary>Most towers kept.</summary>
    public int Capacity => capacity;

    /// <summary>The tower of a release, which stays loaded until it is given back.</summary>
    /// <exception cref="InputException">There is no such release, or its files can't be used; asked again, it is tried again.</exception>
    public async Task<BorrowedTower> BorrowAsync(string modelVersion, CancellationToken ct)
    {
        var entry = Find(modelVersion);
        try
        {
            // The load is shared: a request that is given up doesn't end it for the others.
            var (tower, traceParent) = await entry.Tower.Value.WaitAsync(ct);
            return new(tower, traceParent, () => GiveBack(entry));
        }
        catch
        {
            if (entry.Tower.Value.IsFaulted) Forget(entry);
            GiveBack(entry);
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Entry[] listed;
        lock (_lock) listed = [.. _entries];
        foreach (var entry in listed) Forget(entry);
    }

    private Entry Find(string modelVersion)
    {
        Entry? crowdedOut = null;
        Entry? entry;
        lock (_lock)
        {
            entry = _entries.FirstOrDefault(one => one.ModelVersion == modelVersion);
            if (entry is null)
            {
                entry = new Entry(modelVersion, new(() => LoadAsync(modelVersion)));
                if (_entries.Count == capacity) crowdedOut = _entries.Last!.Value;
            }
            else
            {
                _entries.Remove(entry);
            }

            _entries.AddFirst(entry);
            entry.Holders++;
        }

        if (crowdedOut is not null) Forget(crowdedOut);
        return entry;
    }

    // Out of the list once, whoever says so first; a new request loads anew.
    private void Forget(Entry entry)
    {
        lock (_lock)
        {
            if (!_entries.Remove(entry)) return;
        }

        GiveBack(entry);
    }

    private void GiveBack(Entry entry)
    {
        lock (_lock)
        {
            if (--entry.Holders > 0) return;
        }

        // One that still loads, for a request that was given up, is freed when it is there.
        _ = entry.Tower.Value.ContinueWith(
            static loaded => loaded.Result.Tower.Dispose(), CancellationToken.None,
            TaskContinuationOptions.OnlyOnRanToCompletion | TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    private async Task<(UserTower Tower, string? TraceParent)> LoadAsync(string modelVersion)
    {
        using var span = ServingTelemetry.Source.StartActivity("load tower");
        span?.SetTag("twotower.model_version", modelVersion);
        var files = await releases.OpenAsync(modelVersion, CancellationToken.None);
        span.LinkToTraining(files.TraceParent);
        var tower = UserTower.FromFiles(files);
        ServingTelemetry.TowerLoaded();
        return (tower, files.TraceParent);
    }

    private sealed class Entry(string modelVersion, Lazy<Task<(UserTower Tower, string? TraceParent)>> tower)
    {
        public string ModelVersion => modelVersion;

        public Lazy<Task<(UserTower Tower, string? TraceParent)>> Tower => tower;

        /// <summary>The cache while it is listed, and a borrower each; under the cache's lock.</summary>
        public int Holders { get; set; } = 1;
    }
}

/// <summary>A tower on loan from a <see cref="TowerCache"/>; disposed, it is given back.</summary>
internal sealed class BorrowedTower : IDisposable
{
    private Action? _giveBack;

    internal BorrowedTower(UserTower tower, string? traceParent, Action giveBack) =>
        (Tower, TraceParent, _giveBack) = (tower, traceParent, giveBack);

    /// <summary>The tower.</summary>
    public UserTower Tower { get; }

    /// <summary>The release's <see cref="Release.TraceParent"/>.</summary>
    public string? TraceParent { get; }

    /// <inheritdoc/>
    public void Dispose() => Interlocked.Exchange(ref _giveBack, null)?.Invoke();
}
