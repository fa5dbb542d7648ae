namespace TwoTower.Web.Problems;

/// <summary>
/// A line of each kind in a second, and how many were left out: a crowd that is refused says the same a thousand times a second, and the
/// log is for what else happens.
/// </summary>
internal sealed class RepeatedLines(TimeProvider time)
{
    private static readonly TimeSpan Apart = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, (long At, int LeftOut)> _kinds = [];

    /// <summary>Asks to write a line.</summary>
    /// <param name="kind">One of few.</param>
    /// <returns>Lines of the kind that were left out before this one; null: leave it out.</returns>
    public int? Take(string kind)
    {
        lock (_lock)
        {
            var now = time.GetTimestamp();
            if (_kinds.TryGetValue(kind, out var last) && time.GetElapsedTime(last.At, now) < Apart)
            {
                _kinds[kind] = (last.At, last.LeftOut + 1);
                return null;
            }

            _kinds[kind] = (now, 0);
            return last.LeftOut;
        }
    }
}
