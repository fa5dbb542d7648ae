using TwoTower.Core.Features;

namespace TwoTower.Training.Loop.Cpu;

/// <summary>The first layer: from feature vectors, which are mostly zeros, to its sums without the bias.</summary>
internal abstract class InputLayer : IDisposable
{
    // Share of entries that aren't zero from which a dense product is faster. Measured with 777 inputs and 512 outputs: adding up an entry
    // takes three to four times as long as its place in a dense product.
    private const double DenseFrom = 0.3;

    /// <summary>The faster way for a matrix.</summary>
    public static InputLayer Create(
        FeatureMatrix matrix, ParameterLayout.Layer layer, FloatBuffer parameters, FloatBuffer gradients, int capacity, int workers)
    {
        var entries = (double)matrix.Values.Length + (double)matrix.Count * matrix.DenseDim;
        return entries >= DenseFrom * matrix.Count * matrix.Dim
            ? new DenseInputLayer(matrix, layer, parameters, gradients, capacity)
            : new SparseInputLayer(matrix, layer, parameters, gradients, workers);
    }

    /// <summary>sums[row] = W · x[row], without the bias, for the rows of a share.</summary>
    public abstract void Forward(BatchSide side, int begin, int end, FloatBuffer sums);

    /// <summary>dW = Xᵀ · dsums over all rows of the batch, for the inputs (rows of W) that are a worker's.</summary>
    public abstract void WeightGradient(WorkerTeam team, int share, BatchSide side, FloatBuffer sums);

    public virtual void Dispose()
    {
    }
}
