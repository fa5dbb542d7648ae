namespace TwoTower.Core.Inference;

/// <summary>Embeddings have length 1, so that their dot product is their cosine.</summary>
public static class UnitVector
{
    /// <summary>Largest distance of a length from 1: single precision leaves 1e-7, half precision 1e-3.</summary>
    public const double Tolerance = 2e-3;

    /// <summary>True for finite numbers whose squares add up to about 1.</summary>
    /// <param name="vector">[d].</param>
    /// <param name="length">Its length; NaN when a number isn't finite.</param>
    public static bool IsUnit(ReadOnlySpan<float> vector, out double length)
    {
        length = 0;
        foreach (var value in vector) length += (double)value * value;
        length = Math.Sqrt(length);
        return Math.Abs(length - 1) <= Tolerance;
    }

    /// <summary>As <see cref="IsUnit"/>; all zeros, what a normalised layer makes of nothing, are right too.</summary>
    public static bool IsUnitOrZero(ReadOnlySpan<float> vector, out double length) => IsUnit(vector, out length) || length == 0;
}
