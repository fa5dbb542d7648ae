using System.Numerics.Tensors;
using TwoTower.Core.Features;
using static TorchSharp.torch;

namespace TwoTower.Training.Loop.Cpu;

/// <summary>
/// One tower's forward and backward pass, written out: matrix products by torch, everything between them fused into one pass over memory.
/// The first layer runs once for each distinct row of the batch, the layers above it once for each encoding. Every method works on a
/// share of the batch, or of the weights, that no other worker touches.
/// </summary>
internal sealed class CpuTower : IDisposable
{
    // torch.nn.functional.normalize's epsilon.
    private const float NormEpsilon = 1e-12f;

    private readonly IReadOnlyList<ParameterLayout.Layer> _layers;
    private readonly FloatBuffer _parameters, _gradients, _first, _embeddings;
    // by layer, [encodings × outputs]; a gradient is of the layer's output, then of its sum
    private readonly FloatBuffer[] _hidden, _gradient;
    private readonly float[] _norms;
    private readonly InputLayer _input;

    public CpuTower(FeatureMatrix matrix, IReadOnlyList<ParameterLayout.Layer> layers, FloatBuffer parameters, FloatBuffer gradients,
        int capacity, int masksPerRow, int workers)
    {
        (_layers, _parameters, _gradients) = (layers, parameters, gradients);
        Side = new(matrix.Count, capacity, masksPerRow);
        _first = new((long)capacity * layers[0].Outputs);
        _hidden = [.. layers.SkipLast(1).Select(layer => new FloatBuffer((long)capacity * layer.Outputs))];
        _gradient = [.. layers.Select(layer => new FloatBuffer((long)capacity * layer.Outputs))];
        _embeddings = new((long)capacity * layers[^1].Outputs);
        _norms = new float[capacity];
        _input = InputLayer.Create(matrix, layers[0], parameters, gradients, capacity, workers);
    }

    /// <summary>The batch that is being worked on.</summary>
    public BatchSide Side { get; }

    private int EmbeddingDim => _layers[^1].Outputs;

    /// <summary>The unit vector of an encoding, after <see cref="Forward"/>.</summary>
    public Span<float> Embedding(int encoding) => _embeddings.Row(encoding, EmbeddingDim);

    /// <summary>Where the loss's gradient by an encoding's embedding goes, before <see cref="Backward"/>.</summary>
    public Span<float> EmbeddingGradient(int encoding) => _gradient[^1].Row(encoding, EmbeddingDim);

    /// <summary>Encodes the rows of a share. <paramref name="dropout"/>: one a hidden layer.</summary>
    public void Forward(int begin, int end, ReadOnlySpan<Dropout> dropout)
    {
        var (from, to) = (Side.FirstEncoding[begin], Side.FirstEncoding[end]);
        if (from == to) return;
        _input.Forward(Side, begin, end, _first);
        var width = _layers[0].Outputs;
        var bias = _parameters.Span(_layers[0].Bias, width);
        for (var row = begin; row < end; row++)
        {
            for (var e = Side.FirstEncoding[row]; e < Side.FirstEncoding[row + 1]; e++)
            {
                dropout[0].BiasReluDrop(_first.Row(row, width), bias, _hidden[0].Row(e, width), e * width);
            }
        }

        for (var l = 1; l < _layers.Count; l++)
        {
            var last = l == _layers.Count - 1;
            var output = last ? _embeddings : _hidden[l];
            Multiply(l, _hidden[l - 1], output, from, to);
            width = _layers[l].Outputs;
            bias = _parameters.Span(_layers[l].Bias, width);
            for (var e = from; e < to; e++)
            {
                var row = output.Row(e, width);
                if (last) Normalise(e, row, bias);
                else dropout[l].BiasReluDrop(row, bias, row, e * width);
            }
        }
    }

    /// <summary>From the gradients of the embeddings to those of every layer's sums, for the rows of a share.</summary>
    public void Backward(int begin, int end, ReadOnlySpan<Dropout> dropout)
    {
        var (from, to) = (Side.FirstEncoding[begin], Side.FirstEncoding[end]);
        if (from == to) return;
        for (var e = from; e < to; e++)
        {
            // y = z / |z|: the part of the gradient along y changes nothing.
            var y = Embedding(e);
            var gradient = EmbeddingGradient(e);
            if (_norms[e] > NormEpsilon) TensorPrimitives.MultiplyAdd(y, -TensorPrimitives.Dot(y, gradient), gradient, gradient);
            TensorPrimitives.Divide(gradient, Math.Max(_norms[e], NormEpsilon), gradient);
        }

        for (var l = _layers.Count - 2; l >= 0; l--)
        {
            MultiplyBack(l + 1, from, to);
            var width = _layers[l].Outputs;
            for (var e = from; e < to; e++) dropout[l].Backward(_hidden[l].Row(e, width), _gradient[l].Row(e, width));
        }

        for (var row = begin; row < end; row++)
        {
            var sum = _first.Row(row, _layers[0].Outputs);
            var e = Side.FirstEncoding[row];
            _gradient[0].Row(e, sum.Length).CopyTo(sum);
            while (++e < Side.FirstEncoding[row + 1]) TensorPrimitives.Add(sum, _gradient[0].Row(e, sum.Length), sum);
        }
    }

    /// <summary>Gradients of a share of the weights, over the whole batch.</summary>
    public void WeightGradients(WorkerTeam team, int share)
    {
        _input.WeightGradient(team, share, Side, _first);
        ColumnSums(_first, Side.Rows, _layers[0], team, share);
        using var scope = NewDisposeScope();
        for (var l = 1; l < _layers.Count; l++)
        {
            var layer = _layers[l];
            var (begin, end) = team.Part(share, layer.Outputs, 16);
            if (begin == end) continue;
            _gradients.Matrix(layer.Weight + begin * layer.Inputs, end - begin, layer.Inputs, layer.Inputs).addmm_(
                _gradient[l].Transposed(begin, Side.Encodings, end - begin, layer.Outputs),
                _hidden[l - 1].Matrix(0, Side.Encodings, layer.Inputs, layer.Inputs), beta: 0, alpha: 1);
            ColumnSums(_gradient[l], Side.Encodings, layer, team, share);
        }
    }

    public void Dispose()
    {
        foreach (var buffer in _hidden.Concat(_gradient)) buffer.Dispose();
        _first.Dispose();
        _embeddings.Dispose();
        _input.Dispose();
    }

    // output[from..to] = input[from..to] · Wᵀ
    private void Multiply(int l, FloatBuffer input, FloatBuffer output, int from, int to)
    {
        using var scope = NewDisposeScope();
        var layer = _layers[l];
        output.Matrix(from * layer.Outputs, to - from, layer.Outputs, layer.Outputs).addmm_(
            input.Matrix(from * layer.Inputs, to - from, layer.Inputs, layer.Inputs),
            _parameters.Transposed(layer.Weight, layer.Outputs, layer.Inputs, layer.Inputs), beta: 0, alpha: 1);
    }

    // gradient of the layer below [from..to] = gradient of this one · W
    private void MultiplyBack(int l, int from, int to)
    {
        using var scope = NewDisposeScope();
        var layer = _layers[l];
        _gradient[l - 1].Matrix(from * layer.Inputs, to - from, layer.Inputs, layer.Inputs).addmm_(
            _gradient[l].Matrix(from * layer.Outputs, to - from, layer.Outputs, layer.Outputs),
            _parameters.Matrix(layer.Weight, layer.Outputs, layer.Inputs, layer.Inputs), beta: 0, alpha: 1);
    }

    private void Normalise(int encoding, Span<float> sum, ReadOnlySpan<float> bias)
    {
        TensorPrimitives.Add(sum, bias, sum);
        _norms[encoding] = TensorPrimitives.Norm(sum);
        TensorPrimitives.Divide(sum, Math.Max(_norms[encoding], NormEpsilon), sum);
    }

    private void ColumnSums(FloatBuffer rows, int count, ParameterLayout.Layer layer, WorkerTeam team, int share)
    {
        var (begin, end) = team.Part(share, layer.Outputs, 16);
        var sums = _gradients.Span(layer.Bias + begin, end - begin);
        sums.Clear();
        for (var row = 0; row < count; row++) TensorPrimitives.Add(sums, rows.Span(row * layer.Outputs + begin, end - begin), sums);
    }
}
