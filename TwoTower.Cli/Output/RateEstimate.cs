namespace TwoTower.Cli.Output;

/// <summary>Rate and time left of a stage, over its last half minute or so: a stage may slow down or start late.</summary>
internal sealed class RateEstimate(TimeProvider time)
{
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Grain = TimeSpan.FromMilliseconds(200);
    private readonly LinkedList<(long At, long Done)> _points = new();
    private (long At, long Done)? _last;

    /// <summary>Notes how much is done by now.</summary>
    public void Add(long done)
    {
        var now = time.GetTimestamp();
        if (_last is { } last && done < last.Done)
        {
            _points.Clear(); // a new phase counts from its own start
        }

        _last = (now, done);
        if (_points.Last is not { } newest || time.GetElapsedTime(newest.Value.At, now) >= Grain)
        {
            _points.AddLast((now, done));
        }

        while (_points.Count > 2 && time.GetElapsedTime(_points.First!.Value.At, now) > Window)
        {
            _points.RemoveFirst();
        }
    }

    /// <summary>Units a second; null before two points in time.</summary>
    public double? PerSecond
    {
        get
        {
            if (_last is not { } last || _points.First is not { } first)
            {
                return null;
            }

            var seconds = time.GetElapsedTime(first.Value.At, last.At).TotalSeconds;
            return seconds > 0 && last.Done > first.Value.Done ? (last.Done - first.Value.Done) / seconds : null;
        }
    }

    /// <summary>Time left at the present rate; null while nobody can say.</summary>
    public TimeSpan? Left(long? total) =>
        total is { } all && _last is { } last && PerSecond is { } rate && all >= last.Done
            ? TimeSpan.FromSeconds((all - last.Done) / rate)
            : null;
}
