using System.Numerics;

namespace TwoTower.Training.Randomness;

/// <summary>
/// The generator behind everything random in a training: xoshiro256** (Blackman and Vigna) seeded through SplitMix64. Ours, because a seed
/// must mean the same on every version of .NET; <see cref="Random"/> promises that for no method of its own.
/// </summary>
internal sealed class SeededRandom
{
    private readonly ulong[] _state;

    /// <summary>
    /// A generator of its own for one purpose: streams of one seed are independent, so that more samples don't change the initial weights.
    /// </summary>
    public SeededRandom(int seed, RandomPurpose purpose)
    {
        var mixer = ((ulong)(uint)seed << 8) | (byte)purpose;
        _state = [SplitMix(ref mixer), SplitMix(ref mixer), SplitMix(ref mixer), SplitMix(ref mixer)];
    }

    /// <summary>Goes on where <see cref="State"/> was taken.</summary>
    public SeededRandom(IReadOnlyList<ulong> state) =>
        _state = state is { Count: 4 } ? [.. state] : throw new ArgumentException("Four words make a state.", nameof(state));

    /// <summary>The four words that a checkpoint stores.</summary>
    public IReadOnlyList<ulong> State => [.. _state];

    /// <summary>64 random bits.</summary>
    public ulong NextBits()
    {
        var s = _state;
        var result = BitOperations.RotateLeft(s[1] * 5, 7) * 9;
        var t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = BitOperations.RotateLeft(s[3], 45);
        return result;
    }

    /// <summary>Uniform in 0 .. <paramref name="bound"/> − 1, without bias (Lemire's multiplication with rejection).</summary>
    public int Next(int bound)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bound);
        var range = (uint)bound;
        var threshold = (uint)(-bound) % range;
        while (true)
        {
            var product = (NextBits() >> 32) * range;
            if ((uint)product >= threshold) return (int)(product >> 32);
        }
    }

    /// <summary>Uniform in [0, 1), 53 bits.</summary>
    public double NextDouble() => (NextBits() >> 11) * (1.0 / (1UL << 53));

    /// <summary>Normal deviates with mean 0 (Box and Muller).</summary>
    public float[] Normal(int count, double deviation)
    {
        var values = new float[count];
        for (var i = 0; i < count; i++)
        {
            values[i] = (float)(deviation * Math.Sqrt(-2 * Math.Log(1 - NextDouble())) * Math.Cos(2 * Math.PI * NextDouble()));
        }

        return values;
    }

    /// <summary>Fisher–Yates.</summary>
    public void Shuffle<T>(Span<T> values)
    {
        for (var i = values.Length - 1; i > 0; i--)
        {
            var j = Next(i + 1);
            (values[i], values[j]) = (values[j], values[i]);
        }
    }

    private static ulong SplitMix(ref ulong state)
    {
        state += 0x9E3779B97F4A7C15;
        var z = state;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}

/// <summary>What a stream of random numbers is for. The numbers are part of what a seed means: never renumber.</summary>
internal enum RandomPurpose : byte
{
    /// <summary>Which videos become sampled negatives.</summary>
    Negatives = 1,

    /// <summary>Which samples are held out.</summary>
    Split = 2,

    /// <summary>Initial weights.</summary>
    Weights = 3,

    /// <summary>Order of the samples and dropout, epoch by epoch.</summary>
    Epochs = 4,

    /// <summary>Where a baseline of the evaluation begins.</summary>
    Baselines = 5,

    /// <summary>Which users a bootstrap draws.</summary>
    Bootstrap = 6,

    /// <summary>Where the factors behind a user tower of histories begin.</summary>
    Factors = 7,

    /// <summary>Which parts of histories a user tower learns from, and in which order.</summary>
    Histories = 8,

    /// <summary>Which settings a search of recipes tries.</summary>
    Tuning = 9,

    /// <summary>Which users are left out to choose settings on, and which of their likes are to be found.</summary>
    LeftOut = 10,

    /// <summary>Where the factors of the videos beyond the linear model begin.</summary>
    OtherItems = 11,
}
