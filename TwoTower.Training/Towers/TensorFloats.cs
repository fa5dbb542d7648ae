using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace TwoTower.Training.Towers;

/// <summary>Numbers out of torch.</summary>
internal static class TensorFloats
{
    /// <summary>A copy of a tensor's numbers as float32, row-major, from whatever device.</summary>
    public static float[] ToFloats(this Tensor tensor)
    {
        using var scope = NewDisposeScope();
        return MemoryMarshal.Cast<byte, float>(tensor.detach().to(ScalarType.Float32, CPU).contiguous().bytes).ToArray();
    }
}
