using TwoTower.Postgres.Releases;

namespace TwoTower.Embedding.Following;

/// <summary>What following did; several may add to it at once.</summary>
internal sealed class Followed
{
    private readonly Lock _lock = new();
    private readonly HashSet<Guid> _active = [];

    /// <summary>Videos that are up to date now in every followed release.</summary>
    public long Videos { get; private set; }

    /// <summary>Vectors written, over all releases. A video whose features are what they were needs none.</summary>
    public long Written { get; private set; }

    /// <summary>Vectors of deleted videos removed, over all releases.</summary>
    public long Removed { get; private set; }

    /// <summary>The active release, where it was among them.</summary>
    public ReleaseVectors? Active { get; private set; }

    /// <summary>Videos looked at for the active release.</summary>
    public IReadOnlyCollection<Guid> ActiveVideos => _active;

    public void AddVideos(long videos)
    {
        lock (_lock) Videos += videos;
    }

    public void Add(long written, long removed)
    {
        lock (_lock) (Written, Removed) = (Written + written, Removed + removed);
    }

    public void AddActive(ReleaseVectors vectors, IEnumerable<Guid> videoIds)
    {
        lock (_lock)
        {
            // Another became active meanwhile: what the former was given is no matter of the public table any more.
            if (Active?.Release.Id != vectors.Release.Id) _active.Clear();
            Active = vectors;
            _active.UnionWith(videoIds);
        }
    }
}
