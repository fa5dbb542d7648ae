namespace TwoTower.Core.Features;

/// <summary>Collects full vectors one by one into a <see cref="FeatureMatrix"/>, keeping only the non-zeros of the tail.</summary>
internal sealed class FeatureMatrixBuilder(int count, int denseDim, int sparseDim)
{
    private readonly float[] _row = new float[denseDim + sparseDim];
    private readonly float[] _dense = new float[count * denseDim];
    private readonly int[] _offsets = new int[count + 1];
    private readonly List<int> _indices = [];
    private readonly List<float> _values = [];
    private int _rows;

    /// <summary>Scratch for the next full vector, [denseDim + sparseDim].</summary>
    public Span<float> Row => _row;

    /// <summary>Adds what <see cref="Row"/> holds.</summary>
    public void AddRow()
    {
        _row.AsSpan(0, denseDim).CopyTo(_dense.AsSpan(_rows * denseDim));
        for (var column = 0; column < sparseDim; column++)
        {
            var value = _row[denseDim + column];
            if (value == 0) continue;
            _indices.Add(column);
            _values.Add(value);
        }

        _offsets[++_rows] = _indices.Count;
    }

    /// <summary>The matrix; call once, after <c>count</c> rows.</summary>
    public FeatureMatrix ToMatrix() =>
        new(count, denseDim, sparseDim, _dense, _offsets, [.. _indices], [.. _values]);
}
