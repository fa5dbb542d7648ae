using TwoTower.Core.Features;

namespace TwoTower.Training.Loop.Cpu;

/// <summary>
/// Adds up only what is there. Forward: a row of sums is the sum of the weights of the row's tokens. Backward: the gradient of a token's
/// weights is the sum of the gradients of the rows that have it, so the batch is turned on its side first.
/// </summary>
internal sealed class SparseInputLayer : InputLayer
{
    private readonly FeatureMatrix _matrix;
    private readonly ParameterLayout.Layer _layer;
    private readonly FloatBuffer _parameters, _gradients;
    private readonly Columns[] _columns; // by worker

    public SparseInputLayer(FeatureMatrix matrix, ParameterLayout.Layer layer, FloatBuffer parameters, FloatBuffer gradients, int workers)
    {
        (_matrix, _layer, _parameters, _gradients) = (matrix, layer, parameters, gradients);
        // Frequent tokens come first in a vocabulary: equal shares of the entries are far from equal shares of the columns.
        var entries = new long[matrix.Dim];
        Array.Fill(entries, matrix.Count, 0, matrix.DenseDim);
        foreach (var index in matrix.Indices) entries[matrix.DenseDim + index]++;
        var perWorker = (entries.Sum() + matrix.Dim) / workers + 1;
        _columns = new Columns[workers];
        var (column, taken) = (0, 0L);
        for (var w = 0; w < workers; w++)
        {
            var first = column;
            while (column < matrix.Dim && (taken < perWorker * (w + 1) || w == workers - 1)) taken += entries[column++] + 1;
            _columns[w] = new(first, column);
        }
    }

    public override void Forward(BatchSide side, int begin, int end, FloatBuffer sums)
    {
        for (var row = begin; row < end; row++)
        {
            var sum = new ScaledSum(sums.Row(row, _layer.Outputs));
            var feature = side.FeatureRow[row];
            for (var c = 0; c < _matrix.DenseDim; c++) sum.Add(Weights(c), _matrix.Dense[feature * _matrix.DenseDim + c]);
            for (var k = _matrix.Offsets[feature]; k < _matrix.Offsets[feature + 1]; k++)
            {
                sum.Add(Weights(_matrix.DenseDim + _matrix.Indices[k]), _matrix.Values[k]);
            }

            sum.Finish();
        }
    }

    public override void WeightGradient(WorkerTeam team, int share, BatchSide side, FloatBuffer sums)
    {
        var columns = _columns[share];
        columns.Load(_matrix, side);
        for (var c = columns.First; c < columns.Last; c++)
        {
            var sum = new ScaledSum(_gradients.Span(_layer.Weight + c * _layer.Outputs, _layer.Outputs));
            for (var k = columns.Start[c - columns.First]; k < columns.Start[c - columns.First + 1]; k++)
            {
                sum.Add(sums.Row(columns.Row[k], _layer.Outputs), columns.Value[k]);
            }

            sum.Finish();
        }
    }

    private ReadOnlySpan<float> Weights(int column) => _parameters.Span(_layer.Weight + column * _layer.Outputs, _layer.Outputs);

    /// <summary>The batch's entries in a range of columns, column by column.</summary>
    private sealed class Columns(int first, int last)
    {
        private readonly int[] _next = new int[last - first];

        public int First => first;

        public int Last => last;

        public int[] Start { get; } = new int[last - first + 1];

        public int[] Row { get; private set; } = [];

        public float[] Value { get; private set; } = [];

        public void Load(FeatureMatrix matrix, BatchSide side)
        {
            var head = Math.Max(0, Math.Min(last, matrix.DenseDim) - first);
            Array.Clear(Start);
            for (var c = 0; c < head; c++) Start[c + 1] = side.Rows;
            for (var row = 0; row < side.Rows; row++)
            {
                foreach (var index in Tail(matrix, side.FeatureRow[row], out _)) Start[matrix.DenseDim + index - first + 1]++;
            }

            for (var c = 0; c < _next.Length; c++)
            {
                _next[c] = Start[c];
                Start[c + 1] += Start[c];
            }

            if (Row.Length < Start[^1]) (Row, Value) = (new int[Start[^1] * 3 / 2], new float[Start[^1] * 3 / 2]);
            for (var row = 0; row < side.Rows; row++)
            {
                var feature = side.FeatureRow[row];
                for (var c = 0; c < head; c++) Put(c, row, matrix.Dense[feature * matrix.DenseDim + first + c]);
                var values = matrix.Values.AsSpan();
                var tail = Tail(matrix, feature, out var start);
                for (var k = 0; k < tail.Length; k++) Put(matrix.DenseDim + tail[k] - first, row, values[start + k]);
            }
        }

        private void Put(int column, int row, float value)
        {
            var place = _next[column]++;
            Row[place] = row;
            Value[place] = value;
        }

        // The part of a row's tail that lies in these columns: indices ascend, so it is one piece.
        private ReadOnlySpan<int> Tail(FeatureMatrix matrix, int feature, out int start)
        {
            var all = matrix.Indices.AsSpan(matrix.Offsets[feature]..matrix.Offsets[feature + 1]);
            var begin = LowerBound(all, first - matrix.DenseDim);
            start = matrix.Offsets[feature] + begin;
            return all[begin..LowerBound(all, last - matrix.DenseDim)];
        }

        private static int LowerBound(ReadOnlySpan<int> ascending, int value)
        {
            var place = ascending.BinarySearch(value);
            return place < 0 ? ~place : place;
        }
    }
}
