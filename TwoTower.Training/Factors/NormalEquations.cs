using System.Numerics.Tensors;

namespace TwoTower.Training.Factors;

/// <summary>Solves A w = b for a symmetric positive definite A by Cholesky, in place; one for each thread.</summary>
internal sealed class NormalEquations(int dim)
{
    private readonly float[] _matrix = new float[dim * dim]; // the lower triangle is used

    /// <summary>Starts from a matrix, [dim × dim], with <paramref name="ridge"/> added to its diagonal.</summary>
    public void Start(ReadOnlySpan<float> matrix, float ridge)
    {
        matrix.CopyTo(_matrix);
        for (var i = 0; i < dim; i++) _matrix[i * dim + i] += ridge;
    }

    /// <summary>Starts from <paramref name="ridge"/> times the identity.</summary>
    public void Start(float ridge)
    {
        Array.Clear(_matrix);
        for (var i = 0; i < dim; i++) _matrix[i * dim + i] = ridge;
    }

    /// <summary>A += x xᵀ.</summary>
    public void Add(ReadOnlySpan<float> x)
    {
        for (var i = 0; i < dim; i++)
        {
            var row = _matrix.AsSpan(i * dim, i + 1);
            TensorPrimitives.MultiplyAdd(x[..(i + 1)], x[i], row, row);
        }
    }

    /// <summary>Solves; <paramref name="b"/>, [dim], becomes w.</summary>
    public void Solve(Span<float> b)
    {
        // A = L Lᵀ, row by row.
        for (var i = 0; i < dim; i++)
        {
            var row = _matrix.AsSpan(i * dim, dim);
            for (var j = 0; j < i; j++)
            {
                row[j] = (row[j] - TensorPrimitives.Dot<float>(row[..j], _matrix.AsSpan(j * dim, j))) / _matrix[j * dim + j];
            }

            row[i] = MathF.Sqrt(row[i] - TensorPrimitives.SumOfSquares<float>(row[..i]));
        }

        for (var i = 0; i < dim; i++)
        {
            b[i] = (b[i] - TensorPrimitives.Dot<float>(_matrix.AsSpan(i * dim, i), b[..i])) / _matrix[i * dim + i];
        }

        for (var i = dim - 1; i >= 0; i--)
        {
            b[i] /= _matrix[i * dim + i];
            TensorPrimitives.MultiplyAdd(_matrix.AsSpan(i * dim, i), -b[i], b[..i], b[..i]);
        }
    }
}
