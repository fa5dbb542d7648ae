using System.Numerics.Tensors;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using TwoTower.Core;

namespace TwoTower.Embedding.Texts;

/// <summary>A sentence model in ONNX Runtime, on the CPU: tokens in, vectors of length 1 out. One caller at a time.</summary>
internal sealed class TextNetwork : IDisposable
{
    private static readonly string[] Fed = ["input_ids", "attention_mask", "token_type_ids"];
    private static readonly string[] OfTokens = ["last_hidden_state", "token_embeddings"], OfTexts = ["sentence_embedding"];

    // What pgvector takes.
    private const int MaxDim = 16_000;

    private readonly InferenceSession _session;
    private readonly RunOptions _options = new();
    private readonly string _path, _output;

    /// <summary>Loads a network and tries it.</summary>
    /// <param name="path">The <c>.onnx</c> file.</param>
    /// <param name="pooling">How tokens become one vector; null: the network's own way where it has one, else <paramref name="otherwise"/>.</param>
    /// <param name="otherwise">What a network without a way of its own gets.</param>
    /// <param name="threads">CPU threads; 0: all cores.</param>
    /// <exception cref="InputException">Not a network, or not one of these inputs and outputs.</exception>
    public TextNetwork(string path, Pooling? pooling, Func<Pooling> otherwise, int threads)
    {
        _path = path;
        try
        {
            using var options = new SessionOptions
            {
                IntraOpNumThreads = threads,
                InterOpNumThreads = 1,
                ExecutionMode = ExecutionMode.ORT_SEQUENTIAL,
                LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR,
            };
            _session = new(path, options);
        }
        catch (OnnxRuntimeException error)
        {
            throw new InputException($"{path} is not a network that ONNX Runtime can load: {error.Message}", error);
        }

        try
        {
            CheckInputs();
            var own = Output(OfTexts, 2);
            Pooling = pooling ?? (own is not null ? Pooling.Sentence : otherwise());
            _output = (Pooling == Pooling.Sentence ? own : Output(OfTokens, 3))
                ?? throw Wrong(Pooling == Pooling.Sentence
                    ? "no float output sentence_embedding [texts, numbers]; say --pooling mean, or export it with one"
                    : "no float output last_hidden_state [texts, tokens, numbers]; say --pooling sentence, or export it with one");
            Dim = Run([[0, 0], [0]], 0).Dim;
            if (Dim > MaxDim) throw new InputException($"{path} gives {Dim} numbers a text; {MaxDim} is the most");
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>How tokens become one vector.</summary>
    public Pooling Pooling { get; }

    /// <summary>Length of a vector.</summary>
    public int Dim { get; }

    /// <summary>Runs the network over some texts at once.</summary>
    /// <param name="texts">Their tokens; each has one at least.</param>
    /// <param name="padId">What fills the shorter ones; it doesn't count.</param>
    /// <returns>A vector [<see cref="Dim"/>] of length 1 for each; null where the network gives zeros or no numbers.</returns>
    /// <exception cref="InputException">The network can't be run on them.</exception>
    public float[]?[] Encode(IReadOnlyList<int[]> texts, int padId)
    {
        var (vectors, dim) = Run(texts, padId);
        var result = new float[]?[texts.Count];
        for (var row = 0; row < result.Length; row++)
        {
            var vector = vectors.AsSpan(row * dim, dim);
            var length = TensorPrimitives.Norm<float>(vector);
            if (!float.IsFinite(length) || length == 0) continue;
            result[row] = new float[dim];
            TensorPrimitives.Divide(vector, length, result[row]);
        }

        return result;
    }

    public void Dispose()
    {
        _session.Dispose();
        _options.Dispose();
    }

    private (float[] Vectors, int Dim) Run(IReadOnlyList<int[]> texts, int padId)
    {
        var (rows, tokens) = (texts.Count, texts.Max(text => text.Length));
        var (ids, mask) = (new long[rows * tokens], new long[rows * tokens]);
        Array.Fill(ids, padId);
        for (var row = 0; row < rows; row++)
        {
            for (var token = 0; token < texts[row].Length; token++) ids[row * tokens + token] = texts[row][token];
            mask.AsSpan(row * tokens, texts[row].Length).Fill(1);
        }

        var inputs = new Dictionary<string, OrtValue>();
        try
        {
            foreach (var (name, metadata) in _session.InputMetadata)
            {
                var values = name == Fed[0] ? ids : name == Fed[1] ? mask : new long[rows * tokens];
                inputs.Add(name, metadata.ElementDataType == TensorElementType.Int32
                    ? OrtValue.CreateTensorValueFromMemory(Array.ConvertAll(values, value => (int)value), [rows, tokens])
                    : OrtValue.CreateTensorValueFromMemory(values, [rows, tokens]));
            }

            using var outputs = _session.Run(_options, inputs, [_output]);
            var shape = outputs[0].GetTensorTypeAndShape().Shape;
            var expected = Pooling == Pooling.Sentence
                ? shape is [var n, > 0] && n == rows
                : shape is [var m, var t, > 0] && m == rows && t == tokens;
            if (!expected) throw new InputException($"{_path}: output {_output} is [{string.Join(", ", shape)}] for {rows} texts of {tokens} tokens; name another sentence model or --pooling");
            return (Pool(outputs[0].GetTensorDataAsSpan<float>(), texts, tokens, (int)shape[^1]), (int)shape[^1]);
        }
        catch (OnnxRuntimeException error)
        {
            throw new InputException($"{_path} can't be run on {rows} texts of {tokens} tokens: {error.Message} Is the tokenizer this model's own, and --max-tokens what it takes?", error);
        }
        finally
        {
            foreach (var input in inputs.Values) input.Dispose();
        }
    }

    private float[] Pool(ReadOnlySpan<float> output, IReadOnlyList<int[]> texts, int tokens, int dim)
    {
        if (Pooling == Pooling.Sentence) return output.ToArray();
        var vectors = new float[texts.Count * dim];
        for (var row = 0; row < texts.Count; row++)
        {
            var vector = vectors.AsSpan(row * dim, dim);
            var counted = Pooling == Pooling.Cls ? 1 : texts[row].Length;
            for (var token = 0; token < counted; token++)
            {
                TensorPrimitives.Add(vector, output.Slice((row * tokens + token) * dim, dim), vector);
            }
        }

        return vectors; // the length becomes 1, so that the sum is as good as the mean
    }

    private void CheckInputs()
    {
        foreach (var (name, metadata) in _session.InputMetadata)
        {
            if (!Fed.Contains(name)) throw Wrong($"an input {name}; {string.Join(", ", Fed)} are fed here: export it for feature extraction");
            if (metadata.ElementDataType is not (TensorElementType.Int64 or TensorElementType.Int32) || metadata.Dimensions.Length != 2)
            {
                throw Wrong($"the input {name} of {metadata.ElementDataType} [{string.Join(", ", metadata.Dimensions)}]; whole numbers [texts, tokens] were expected");
            }
        }

        if (!_session.InputMetadata.ContainsKey(Fed[0])) throw Wrong($"no input {Fed[0]}: it is no sentence model");
    }

    // The output of one of these names, or else the only one of this many dimensions.
    private string? Output(string[] names, int dimensions)
    {
        var fitting = _session.OutputMetadata
            .Where(output => output.Value.ElementDataType == TensorElementType.Float && output.Value.Dimensions.Length == dimensions)
            .Select(output => output.Key).ToList();
        // A BERT's pooler_output [texts, numbers] is no embedding of a text.
        return names.FirstOrDefault(fitting.Contains) ?? (dimensions == 3 && fitting is [var only] ? only : null);
    }

    private InputException Wrong(string what) => new(
        $"{_path} has {what}. Its inputs: {string.Join(", ", _session.InputMetadata.Keys)}; its outputs: "
        + string.Join(", ", _session.OutputMetadata.Select(output => $"{output.Key} {output.Value.ElementDataType} [{string.Join(", ", output.Value.Dimensions)}]")));
}
