using System.Numerics;
using System.Runtime.InteropServices;
using TwoTower.Core.Configuration;

namespace TwoTower.Training.Loop.Cpu;

/// <summary>
/// AdamW over the flat parameters in one pass: 1.2 million parameters are read and written once a step where an operation at a time would
/// go through memory seven times, which at batch 256 is as long as the towers' own arithmetic.
/// </summary>
internal sealed class FlatAdamW(TrainingOptions options, int length) : IDisposable
{
    public FloatBuffer Mean { get; } = new(length);

    public FloatBuffer Square { get; } = new(length);

    /// <summary>Steps taken; the caller counts one up before the parts of a step.</summary>
    public long Steps { get; set; }

    /// <summary>Sum of squares of a part of the gradient.</summary>
    public static double SumOfSquares(ReadOnlySpan<float> gradient)
    {
        // Double sums of short single ones: exact enough at any length, and still vectorised.
        const int block = 1024;
        var sum = 0.0;
        for (; !gradient.IsEmpty; gradient = gradient[Math.Min(block, gradient.Length)..])
        {
            sum += System.Numerics.Tensors.TensorPrimitives.SumOfSquares(gradient[..Math.Min(block, gradient.Length)]);
        }

        return sum;
    }

    /// <summary>Updates parameters <paramref name="begin"/> .. <paramref name="end"/> from their gradients times <paramref name="clip"/>.</summary>
    public void Update(FloatBuffer parameters, FloatBuffer gradients, int begin, int end, float clip)
    {
        var decay = (float)(1 - options.Lr * options.WeightDecay);
        var rate = (float)(options.Lr / (1 - Math.Pow(options.Beta1, Steps)));
        var correction = (float)(1 / Math.Sqrt(1 - Math.Pow(options.Beta2, Steps)));
        var (lerp, beta2, new2, eps) = ((float)(1 - options.Beta1), (float)options.Beta2, (float)(1 - options.Beta2), (float)options.Eps);

        ref var p = ref MemoryMarshal.GetReference(parameters.Span(begin, end - begin));
        ref var g = ref MemoryMarshal.GetReference(gradients.Span(begin, end - begin));
        ref var m = ref MemoryMarshal.GetReference(Mean.Span(begin, end - begin));
        ref var v = ref MemoryMarshal.GetReference(Square.Span(begin, end - begin));
        var (epsilons, lerps) = (new Vector<float>(eps), new Vector<float>(lerp));
        // The layout pads every array to a multiple of the widest vector, so there is no tail.
        for (nuint i = 0; i < (nuint)(end - begin); i += (nuint)Vector<float>.Count)
        {
            var gradient = Vector.LoadUnsafe(ref g, i) * clip;
            var mean = Vector.LoadUnsafe(ref m, i);
            mean = Vector.FusedMultiplyAdd(gradient - mean, lerps, mean);
            var square = Vector.LoadUnsafe(ref v, i) * beta2 + gradient * gradient * new2;
            mean.StoreUnsafe(ref m, i);
            square.StoreUnsafe(ref v, i);
            var scale = Vector.SquareRoot(square) * correction + epsilons;
            (Vector.LoadUnsafe(ref p, i) * decay - mean * rate / scale).StoreUnsafe(ref p, i);
        }
    }

    public void Dispose()
    {
        Mean.Dispose();
        Square.Dispose();
    }
}
