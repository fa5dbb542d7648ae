namespace TwoTower.Core.Features;

/// <summary>
/// Feature vectors of many users or items: the dense head (standardised numerics, hour) and the multi-hot tail (tag and performer
/// vectors) in compressed sparse rows. The full vector of row <c>i</c> is its head followed by zeros except at
/// <c>DenseDim + Indices[k] = Values[k]</c> for <c>k</c> in <c>Offsets[i] .. Offsets[i + 1]</c>.
/// </summary>
/// <param name="DenseDim">Columns of the head.</param>
/// <param name="SparseDim">Columns of the tail; <c>DenseDim + SparseDim</c> is the tower's input size.</param>
/// <param name="Dense">Head, row-major, [Count × DenseDim].</param>
/// <param name="Offsets">Row starts in <paramref name="Indices"/>, [Count + 1].</param>
/// <param name="Indices">Columns within the tail, ascending in a row.</param>
/// <param name="Values">Their values, already divided by the segment's L2 norm.</param>
public sealed record FeatureMatrix(
    int Count, int DenseDim, int SparseDim, float[] Dense, int[] Offsets, int[] Indices, float[] Values)
{
    /// <summary>Length of a full vector.</summary>
    public int Dim => DenseDim + SparseDim;

    /// <summary>Writes the full vector of a row. <paramref name="destination"/>: [Dim].</summary>
    public void CopyRow(int row, Span<float> destination)
    {
        destination[..Dim].Clear();
        Dense.AsSpan(row * DenseDim, DenseDim).CopyTo(destination);
        for (var k = Offsets[row]; k < Offsets[row + 1]; k++)
        {
            destination[DenseDim + Indices[k]] = Values[k];
        }
    }
}
