using System.Numerics;
using System.Runtime.InteropServices;

namespace TwoTower.Training.Loop.Cpu;

/// <summary>
/// Dropout whose mask is a hash of (epoch's key, step, layer, position): no state, so the same for any number of threads, and vectorised.
/// </summary>
internal readonly struct Dropout
{
    private readonly uint _multiplier, _offset;
    private readonly int _threshold;

    /// <summary>No dropout: what evaluation uses.</summary>
    public static Dropout Off { get; } = new(0, 0);

    /// <param name="rate">Share of the units that are dropped, below 1.</param>
    /// <param name="key">Picks the mask.</param>
    public Dropout(double rate, ulong key)
    {
        _threshold = (int)(rate * int.MaxValue);
        Scale = (float)(1 / (1 - rate));
        _multiplier = (uint)key | 1;
        _offset = (uint)(key >> 32);
    }

    /// <summary>What the units that stay are multiplied by.</summary>
    public float Scale { get; }

    /// <summary>output = mask · scale · max(0, input + bias). <paramref name="position"/>: of the row's first unit in the batch.</summary>
    public void BiasReluDrop(ReadOnlySpan<float> input, ReadOnlySpan<float> bias, Span<float> output, int position)
    {
        ref var x = ref MemoryMarshal.GetReference(input);
        ref var b = ref MemoryMarshal.GetReference(bias);
        ref var y = ref MemoryMarshal.GetReference(output);
        var scale = new Vector<float>(Scale);
        var i = 0;
        if (_threshold == 0)
        {
            for (; i <= output.Length - Vector<float>.Count; i += Vector<float>.Count)
            {
                var sum = Vector.LoadUnsafe(ref x, (nuint)i) + Vector.LoadUnsafe(ref b, (nuint)i);
                Vector.Max(sum, Vector<float>.Zero).StoreUnsafe(ref y, (nuint)i);
            }
        }
        else
        {
            var threshold = new Vector<int>(_threshold);
            var step = new Vector<uint>((uint)Vector<float>.Count * _multiplier);
            var counter = (Vector<uint>.Indices + new Vector<uint>((uint)position)) * _multiplier + new Vector<uint>(_offset);
            for (; i <= output.Length - Vector<float>.Count; i += Vector<float>.Count, counter += step)
            {
                var stays = Vector.GreaterThanOrEqual(Vector.AsVectorInt32(Vector.ShiftRightLogical(Hash(counter), 1)), threshold);
                var sum = Vector.Max(Vector.LoadUnsafe(ref x, (nuint)i) + Vector.LoadUnsafe(ref b, (nuint)i), Vector<float>.Zero);
                Vector.ConditionalSelect(stays, sum * scale, Vector<float>.Zero).StoreUnsafe(ref y, (nuint)i);
            }
        }

        for (; i < output.Length; i++)
        {
            var stays = (int)(Hash(((uint)(position + i)) * _multiplier + _offset) >> 1) >= _threshold;
            output[i] = stays ? Math.Max(input[i] + bias[i], 0) * Scale : 0;
        }
    }

    /// <summary>
    /// The way back: gradient = gradient · scale where the output was positive, else 0. A unit that was dropped or cut by ReLU has output
    /// 0, so the mask need not be kept.
    /// </summary>
    public void Backward(ReadOnlySpan<float> output, Span<float> gradient)
    {
        ref var y = ref MemoryMarshal.GetReference(output);
        ref var g = ref MemoryMarshal.GetReference(gradient);
        var scale = new Vector<float>(Scale);
        var i = 0;
        for (; i <= gradient.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            var passed = Vector.GreaterThan(Vector.LoadUnsafe(ref y, (nuint)i), Vector<float>.Zero);
            Vector.ConditionalSelect(passed, Vector.LoadUnsafe(ref g, (nuint)i) * scale, Vector<float>.Zero).StoreUnsafe(ref g, (nuint)i);
        }

        for (; i < gradient.Length; i++) gradient[i] = output[i] > 0 ? gradient[i] * Scale : 0;
    }

    // Chris Wellons' lowbias32, on one number and on a vector of them.
    private static uint Hash(uint x)
    {
        x = (x ^ (x >> 16)) * 0x7feb352d;
        x = (x ^ (x >> 15)) * 0x846ca68b;
        return x ^ (x >> 16);
    }

    private static Vector<uint> Hash(Vector<uint> x)
    {
        x = (x ^ Vector.ShiftRightLogical(x, 16)) * 0x7feb352d;
        x = (x ^ Vector.ShiftRightLogical(x, 15)) * 0x846ca68b;
        return x ^ Vector.ShiftRightLogical(x, 16);
    }
}
