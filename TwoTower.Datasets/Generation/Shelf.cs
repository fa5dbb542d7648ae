namespace TwoTower.Datasets.Generation;

/// <summary>Videos drawn by popularity, in time that doesn't grow with their number.</summary>
internal sealed class Shelf
{
    private readonly int[] _videos;
    private readonly double[] _upTo;

    public Shelf(IReadOnlyList<MadeVideo> all, Func<MadeVideo, bool> belongs)
    {
        _videos = [.. Enumerable.Range(0, all.Count).Where(video => belongs(all[video]))];
        _upTo = new double[_videos.Length];
        var sum = 0.0;
        for (var i = 0; i < _videos.Length; i++) _upTo[i] = sum += all[_videos[i]].Popularity;
    }

    /// <summary>Index of a video; null when the shelf is empty.</summary>
    public int? Draw(StableRandom random)
    {
        if (_videos.Length == 0) return null;
        var at = Array.BinarySearch(_upTo, random.Uniform() * _upTo[^1]);
        return _videos[Math.Min(at < 0 ? ~at : at, _videos.Length - 1)];
    }
}
