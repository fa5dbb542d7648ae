using System.Runtime.InteropServices;

namespace TwoTower.Core.Formats;

/// <summary>A named array in a safetensors file.</summary>
/// <param name="DType">Its element type as the format spells it: F32, F64, I64, U8, …</param>
/// <param name="Shape">Its dimensions; none = a scalar.</param>
/// <param name="Data">Its elements, little endian, row-major.</param>
public sealed record SafetensorsTensor(string Name, string DType, IReadOnlyList<long> Shape, ReadOnlyMemory<byte> Data)
{
    /// <summary>A float32 tensor.</summary>
    public static SafetensorsTensor Floats(string name, IReadOnlyList<long> shape, ReadOnlySpan<float> values) =>
        new(name, "F32", shape, MemoryMarshal.AsBytes(values).ToArray());

    /// <summary>Bytes of one element of a type, or null for a type that the format (as we know it) doesn't have.</summary>
    public static int? ElementSize(string dtype) => dtype switch
    {
        "F64" or "I64" or "U64" => 8,
        "F32" or "I32" or "U32" => 4,
        "F16" or "BF16" or "I16" or "U16" => 2,
        "I8" or "U8" or "BOOL" => 1,
        _ => null,
    };

    /// <summary>The elements as float32.</summary>
    /// <exception cref="InputException">It holds another type or another shape.</exception>
    public float[] ToFloats(params long[] expectedShape)
    {
        if (DType != "F32")
        {
            throw new InputException($"tensor {Name} has type {DType}, expected F32.");
        }

        if (!Shape.SequenceEqual(expectedShape))
        {
            throw new InputException($"tensor {Name} has shape [{string.Join(", ", Shape)}], expected [{string.Join(", ", expectedShape)}].");
        }

        return MemoryMarshal.Cast<byte, float>(Data.Span).ToArray();
    }
}
