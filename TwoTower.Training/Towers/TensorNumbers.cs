using TorchSharp;
using static TorchSharp.torch;

namespace TwoTower.Training.Towers;

/// <summary>
/// Arithmetic of tensors with numbers. TorchSharp's own makes a <see cref="Scalar"/> of the number and lets go of it before torch has read it:
/// a garbage collection at that moment frees it, and torch refuses it or reads something else (dotnet/TorchSharp, pull request 1434). Here
/// it is held to the end of the call. A sum of two tensors has such a number, too: what the second counts.
/// </summary>
internal static class TensorNumbers
{
    private static readonly Scalar One = 1.ToScalar(), Two = 2.ToScalar();

    /// <summary>The sum of two tensors.</summary>
    public static Tensor Plus(this Tensor tensor, Tensor other) => tensor.add(other, One);

    /// <summary>The sum with a number.</summary>
    public static Tensor Plus(this Tensor tensor, double number)
    {
        using var held = number.ToScalar();
        return tensor.add(held, One);
    }

    /// <summary>Adds another tensor, in place.</summary>
    public static Tensor Add(this Tensor tensor, Tensor other) => tensor.add_(other, One);

    /// <summary>The product with a number.</summary>
    public static Tensor Times(this Tensor tensor, double number)
    {
        using var held = number.ToScalar();
        return tensor.mul(held);
    }

    /// <summary>The quotient by a number.</summary>
    public static Tensor Over(this Tensor tensor, double number)
    {
        using var held = number.ToScalar();
        return tensor.div(held);
    }

    /// <summary>Divides by a number, in place.</summary>
    public static Tensor Divide(this Tensor tensor, double number)
    {
        using var held = number.ToScalar();
        return tensor.div_(held);
    }

    /// <summary>Each number, or <paramref name="least"/> where it is less.</summary>
    public static Tensor AtLeast(this Tensor tensor, double least)
    {
        using var held = least.ToScalar();
        return tensor.clamp_min(held);
    }

    /// <summary>Each number's square.</summary>
    public static Tensor Squared(this Tensor tensor) => tensor.pow(Two);

    /// <summary>Each number to the power of another.</summary>
    public static Tensor Power(this Tensor tensor, double exponent)
    {
        using var held = exponent.ToScalar();
        return tensor.pow(held);
    }
}
