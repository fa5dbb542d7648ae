namespace TwoTower.Datasets.Generation;

/// <summary>
/// A random generator of our own (SplitMix64, Steele et al. 2014), so that a seed means the same catalogue on every platform and version of
/// .NET.
/// </summary>
internal sealed class StableRandom(ulong seed)
{
    private ulong _state = seed;

    /// <summary>The next 64 bits.</summary>
    public ulong Next()
    {
        var z = _state += 0x9E3779B97F4A7C15UL;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9UL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBUL;
        return z ^ (z >> 31);
    }

    /// <summary>Uniform in [0, 1).</summary>
    public double Uniform() => (Next() >> 11) * (1.0 / (1UL << 53));

    /// <summary>Uniform in [low, high).</summary>
    public double Uniform(double low, double high) => low + (high - low) * Uniform();

    /// <summary>A whole number in [0, count).</summary>
    public int Below(int count) => (int)(Uniform() * count);

    /// <summary>A whole number in [low, high].</summary>
    public int Between(int low, int high) => low + Below(high - low + 1);

    /// <summary>True with a probability.</summary>
    public bool Chance(double probability) => Uniform() < probability;

    /// <summary>One of a list.</summary>
    public T Pick<T>(IReadOnlyList<T> list) => list[Below(list.Count)];

    /// <summary>One of a list, the first ones more often.</summary>
    public T PickEarly<T>(IReadOnlyList<T> list) => list[(int)(Uniform() * Uniform() * list.Count)];

    /// <summary>Normal, mean 0 and deviation 1 (Box–Muller).</summary>
    public double Normal() => Math.Sqrt(-2 * Math.Log(1 - Uniform())) * Math.Cos(2 * Math.PI * Uniform());
}
