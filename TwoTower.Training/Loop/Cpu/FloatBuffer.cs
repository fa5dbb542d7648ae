using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace TwoTower.Training.Loop.Cpu;

/// <summary>
/// Float memory that both sides see: torch as matrices (for its matrix products), C# as spans (for everything between them). Aligned to
/// a cache line; never moves.
/// </summary>
internal sealed unsafe class FloatBuffer : IDisposable
{
    private readonly Tensor _tensor;
    private readonly float* _start;

    public FloatBuffer(long length)
    {
        _tensor = zeros(length).DetachFromDisposeScope();
        _start = (float*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(_tensor.bytes));
        Length = (int)length;
    }

    public int Length { get; }

    public Span<float> Span(int start, int length)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)(start + length), (uint)Length);
        return new(_start + start, length);
    }

    public Span<float> Row(int row, int width) => Span(row * width, width);

    /// <summary>A view, [rows × columns], in the current dispose scope; <paramref name="stride"/> elements from row to row.</summary>
    public Tensor Matrix(int start, int rows, int columns, int stride) => _tensor.as_strided([rows, columns], [stride, 1], start);

    /// <summary>The transpose of such a view, [columns × rows].</summary>
    public Tensor Transposed(int start, int rows, int columns, int stride) => _tensor.as_strided([columns, rows], [1, stride], start);

    public void Dispose() => _tensor.Dispose();
}
