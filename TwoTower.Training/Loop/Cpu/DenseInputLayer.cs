using TwoTower.Core.Features;
using static TorchSharp.torch;

namespace TwoTower.Training.Loop.Cpu;

/// <summary>Spreads the rows of the batch out and multiplies: for vectors that are rather full.</summary>
internal sealed class DenseInputLayer(
    FeatureMatrix matrix, ParameterLayout.Layer layer, FloatBuffer parameters, FloatBuffer gradients, int capacity) : InputLayer
{
    private readonly FloatBuffer _rows = new((long)capacity * matrix.Dim); // [rows × inputs]

    public override void Forward(BatchSide side, int begin, int end, FloatBuffer sums)
    {
        for (var row = begin; row < end; row++) matrix.CopyRow(side.FeatureRow[row], _rows.Row(row, layer.Inputs));
        using var scope = NewDisposeScope();
        sums.Matrix(begin * layer.Outputs, end - begin, layer.Outputs, layer.Outputs).addmm_(
            _rows.Matrix(begin * layer.Inputs, end - begin, layer.Inputs, layer.Inputs),
            parameters.Matrix(layer.Weight, layer.Inputs, layer.Outputs, layer.Outputs), beta: 0, alpha: 1);
    }

    public override void WeightGradient(WorkerTeam team, int share, BatchSide side, FloatBuffer sums)
    {
        var (first, last) = team.Part(share, layer.Inputs);
        if (first == last) return;
        using var scope = NewDisposeScope();
        gradients.Matrix(layer.Weight + first * layer.Outputs, last - first, layer.Outputs, layer.Outputs).addmm_(
            _rows.Transposed(first, side.Rows, last - first, layer.Inputs),
            sums.Matrix(0, side.Rows, layer.Outputs, layer.Outputs), beta: 0, alpha: 1);
    }

    public override void Dispose()
    {
        _rows.Dispose();
        base.Dispose();
    }
}
