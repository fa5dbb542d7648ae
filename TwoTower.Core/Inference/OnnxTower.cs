using System.Collections.Concurrent;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace TwoTower.Core.Inference;

/// <summary>
/// A tower in ONNX Runtime: feature vectors in, embeddings out. Thread-safe; one thread a call (more gain nothing at this size and
/// hurt the tail), memory preallocated and pooled for as many callers as there are at once. Disposing it while calls run is safe: they
/// finish, later ones get <see cref="ObjectDisposedException"/>.
/// </summary>
internal sealed class OnnxTower : IDisposable
{
    // Rows a run at most. A larger batch goes through in pieces: the network's intermediate results then stay in the processor's cache.
    private const int BlockRows = 64;

    private readonly InferenceSession _session;
    private readonly ConcurrentBag<OnnxBuffers> _single = [], _block = [];
    private readonly string[] _inputNames, _outputNames;
    private readonly RunOptions _runOptions = new();
    private int _holders = 1; // this object, plus a call each
    private int _disposed;

    /// <summary>Loads a network and checks it.</summary>
    /// <param name="model">The bytes of the .onnx file.</param>
    /// <param name="name">What it is, for messages: <c>user_tower.onnx</c>.</param>
    /// <param name="inputName">Name of the input that takes the features.</param>
    /// <param name="inputDim">Length of a feature vector.</param>
    /// <param name="embeddingDim">Length of an embedding.</param>
    /// <param name="unit">False: the output may have any length.</param>
    /// <exception cref="InputException">Not a network, or not of these names and dimensions, or its output isn't finite and of unit length.</exception>
    public OnnxTower(byte[] model, string name, string inputName, int inputDim, int embeddingDim, bool unit = true)
    {
        InputDim = inputDim;
        EmbeddingDim = embeddingDim;
        try
        {
            using var options = new SessionOptions
            {
                IntraOpNumThreads = 1,
                InterOpNumThreads = 1,
                ExecutionMode = ExecutionMode.ORT_SEQUENTIAL,
                LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR,
            };
            _session = new InferenceSession(model, options);
        }
        catch (OnnxRuntimeException e)
        {
            throw new InputException($"{name} is not a network that ONNX Runtime can load: {e.Message}", e);
        }

        try
        {
            _inputNames = [inputName];
            _outputNames = [OutputName(name)];
            CheckShape(name);
            CheckOutput(name, unit);
        }
        catch (Exception e)
        {
            Free();
            if (e is OnnxRuntimeException) throw new InputException($"{name} can't be run: {e.Message}", e);
            throw;
        }
    }

    /// <summary>Length of a feature vector.</summary>
    public int InputDim { get; }

    /// <summary>Length of an embedding.</summary>
    public int EmbeddingDim { get; }

    /// <summary>Runs the network.</summary>
    /// <param name="features">Row-major, [batch × InputDim].</param>
    /// <param name="embeddings">Row-major, [batch × EmbeddingDim]; overwritten.</param>
    /// <exception cref="ArgumentException">A span is too short.</exception>
    /// <exception cref="ObjectDisposedException">The tower was disposed before the call.</exception>
    public void Encode(ReadOnlySpan<float> features, int batch, Span<float> embeddings)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(batch);
        if (features.Length < batch * InputDim) throw new ArgumentException($"{batch} rows of {InputDim} features were expected.", nameof(features));
        if (embeddings.Length < batch * EmbeddingDim) throw new ArgumentException($"Room for {batch} rows of {EmbeddingDim} was expected.", nameof(embeddings));
        Enter();
        try
        {
            for (var start = 0; start < batch;)
            {
                var rows = Math.Min(batch - start, BlockRows);
                var pool = rows == 1 ? _single : _block;
                if (!pool.TryTake(out var buffers)) buffers = new OnnxBuffers(rows == 1 ? 1 : BlockRows, InputDim, EmbeddingDim);
                try
                {
                    features.Slice(start * InputDim, rows * InputDim).CopyTo(buffers.Input);
                    buffers.Run(_session, _runOptions, _inputNames, _outputNames, rows);
                    buffers.Output[..(rows * EmbeddingDim)].CopyTo(embeddings[(start * EmbeddingDim)..]);
                }
                finally
                {
                    pool.Add(buffers);
                }

                start += rows;
            }
        }
        finally
        {
            Leave();
        }
    }

    /// <summary>Frees the network once the last running call is done.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0) Leave();
    }

    private void Enter()
    {
        for (var holders = Volatile.Read(ref _holders); ;)
        {
            ObjectDisposedException.ThrowIf(holders == 0 || Volatile.Read(ref _disposed) == 1, this);
            var seen = Interlocked.CompareExchange(ref _holders, holders + 1, holders);
            if (seen == holders) return;
            holders = seen;
        }
    }

    private void Leave()
    {
        if (Interlocked.Decrement(ref _holders) == 0) Free();
    }

    private void Free()
    {
        foreach (var buffers in _single.Concat(_block)) buffers.Dispose();
        _session.Dispose();
        _runOptions.Dispose();
    }

    private string OutputName(string name)
    {
        var outputs = _session.OutputMetadata.Keys.ToArray();
        return outputs.Length == 1
            ? outputs[0]
            : outputs.SingleOrDefault(output => output.EndsWith("_embedding", StringComparison.Ordinal))
                ?? throw new InputException($"{name} has the outputs {string.Join(", ", outputs)}; one embedding was expected.");
    }

    private void CheckShape(string name)
    {
        if (!_session.InputMetadata.TryGetValue(_inputNames[0], out var input) || _session.InputMetadata.Count != 1)
        {
            throw new InputException(
                $"{name} has the inputs {string.Join(", ", _session.InputMetadata.Keys)}; the feature schema says {_inputNames[0]} alone.");
        }

        Check("input", _inputNames[0], input, InputDim);
        Check("output", _outputNames[0], _session.OutputMetadata[_outputNames[0]], EmbeddingDim);

        void Check(string what, string tensor, NodeMetadata metadata, int dim)
        {
            // -1: the graph leaves a length open. The batch must be open; a row's length may be, and is then found by running.
            if (metadata.ElementDataType != TensorElementType.Float || metadata.Dimensions is not [-1, var columns]
                || (columns != dim && columns != -1))
            {
                throw new InputException(
                    $"{name}: {what} {tensor} is {metadata.ElementDataType} [{string.Join(", ", metadata.Dimensions)}]; " +
                    $"Float [-1, {dim}] was expected (-1: any batch).");
            }
        }
    }

    private void CheckOutput(string name, bool unit)
    {
        // Two rows: a graph that forgot its batch would show here. Zeros are a legal input: nothing known of anybody.
        var features = new float[2 * InputDim];
        features.AsSpan(InputDim).Fill(1);
        var embeddings = new float[2 * EmbeddingDim];
        Encode(features, 2, embeddings);
        for (var row = 0; row < 2; row++)
        {
            var embedding = embeddings.AsSpan(row * EmbeddingDim, EmbeddingDim);
            if (!unit && float.IsFinite(System.Numerics.Tensors.TensorPrimitives.SumOfMagnitudes<float>(embedding))) continue;
            if (!UnitVector.IsUnitOrZero(embedding, out var length))
            {
                throw new InputException(
                    $"{name} gives a vector of length {length:G6}; finite vectors of length 1 were expected: a weight is damaged or the last layer isn't normalised.");
            }
        }
    }
}
