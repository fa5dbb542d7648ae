namespace TwoTower.Torture;

/// <summary>What was wrong: how often, and the first of it in words.</summary>
internal sealed class Findings
{
    private const int Told = 20;
    private readonly Lock _lock = new();
    private readonly List<string> _first = [];
    private int _count;

    /// <summary>How much was wrong.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>The first of it.</summary>
    public IReadOnlyList<string> First
    {
        get
        {
            lock (_lock) return [.. _first];
        }
    }

    public void Add(string what)
    {
        lock (_lock)
        {
            _count++;
            if (_first.Count < Told) _first.Add(what);
        }
    }

    public void AddIf(bool wrong, string what)
    {
        if (wrong) Add(what);
    }
}
