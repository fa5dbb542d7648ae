using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace TwoTower.Training.Towers;

/// <summary>Numbers out of torch.</summary>
internal static class TensorFloats
{
    // A tensor's numbers can be read as one span of bytes, which ends at 2 GB. Blocks of 256 MB also save a second copy of a large tensor.
    private const int BlockNumbers = 64 * 1024 * 1024;

    /// <summary>A copy of a tensor's numbers as float32, row-major, from whatever device.</summary>
    public static float[] ToFloats(this Tensor tensor)
    {
        var numbers = GC.AllocateUninitializedArray<float>(checked((int)tensor.numel()));
        tensor.CopyTo(numbers);
        return numbers;
    }

    /// <summary>Copies a tensor's numbers as float32, row-major, from whatever device, however large it is.</summary>
    /// <param name="tensor">What is copied.</param>
    /// <param name="numbers">As long as the tensor has numbers; overwritten.</param>
    /// <param name="blockNumbers">Numbers that are copied at once, where a row isn't longer.</param>
    public static void CopyTo(this Tensor tensor, float[] numbers, int blockNumbers = BlockNumbers)
    {
        if (tensor.numel() != numbers.Length) throw new ArgumentException($"A tensor of {tensor.numel()} numbers doesn't fit into {numbers.Length}.", nameof(numbers));
        if (numbers.Length == 0) return;
        using var scope = NewDisposeScope();
        var rows = tensor.dim() == 0 ? tensor.detach().reshape(1) : tensor.detach();
        var rowLength = numbers.Length / (int)rows.shape[0];
        var rowsAtOnce = Math.Max(1, blockNumbers / rowLength);
        for (var first = 0L; first < rows.shape[0]; first += rowsAtOnce)
        {
            using var part = NewDisposeScope();
            var block = rows.narrow(0, first, Math.Min(rowsAtOnce, rows.shape[0] - first)).to(ScalarType.Float32, CPU).contiguous();
            MemoryMarshal.Cast<byte, float>(block.bytes).CopyTo(numbers.AsSpan((int)first * rowLength));
        }
    }
}
