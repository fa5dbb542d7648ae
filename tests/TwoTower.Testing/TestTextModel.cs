using System.Runtime.InteropServices;
using Google.Protobuf;
using TwoTower.Core.Artifacts.Onnx;

namespace TwoTower.Testing;

/// <summary>
/// Small sentence models: a vector a word, which the network looks up, in a folder as Hugging Face exports it. What fills a batch's rows
/// has a vector that would show in any mean.
/// </summary>
internal sealed record TestTextModel
{
    private const int Float32 = 1, Int64 = 7;

    /// <summary>Tokens that every model has before its words: ids 0 to 3.</summary>
    public static readonly string[] Special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"];

    /// <summary>Words and their vectors, all of one length. Special tokens are zeros unless they are named here.</summary>
    public required IReadOnlyDictionary<string, float[]> Words { get; init; }

    /// <summary>Name of the output [texts, tokens, numbers].</summary>
    public string Output { get; init; } = "last_hidden_state";

    /// <summary>Has an output sentence_embedding, the sum over the attention mask.</summary>
    public bool Sentence { get; init; }

    /// <summary>Has the input token_type_ids, whose 1 would change every vector.</summary>
    public bool TokenTypes { get; init; } = true;

    /// <summary>Another input that the network has.</summary>
    public string? AnotherInput { get; init; }

    /// <summary>Words of one direction each, the n-th along axis n.</summary>
    public static TestTextModel OfAxes(params string[] words) => new()
    {
        Words = words.Index().ToDictionary(word => word.Item, word => words.Select((_, axis) => axis == word.Index ? 1f : 0).ToArray()),
    };

    /// <summary>Length of a vector.</summary>
    public int Dim => Words.Values.First().Length;

    /// <summary>Writes <c>model.onnx</c> and <c>vocab.txt</c>.</summary>
    public void Write(string folder, string network = "model.onnx")
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(folder, network))!);
        File.WriteAllBytes(Path.Combine(folder, network), Network());
        File.WriteAllLines(Path.Combine(folder, "vocab.txt"), Vocabulary);
    }

    /// <summary>The tokens by id.</summary>
    public IEnumerable<string> Vocabulary => Special.Concat(Words.Keys.Except(Special));

    /// <summary>The bytes of the <c>.onnx</c> file.</summary>
    public byte[] Network()
    {
        var graph = new GraphProto { Name = "words" };
        foreach (var input in new[] { "input_ids", "attention_mask", TokenTypes ? "token_type_ids" : null, AnotherInput })
        {
            if (input is not null) graph.Input.Add(Value(input, Int64, "texts", "tokens"));
        }

        float[] Of(string token) => Words.TryGetValue(token, out var vector) ? vector : token == "[PAD]" ? [.. Enumerable.Repeat(100f, Dim)] : new float[Dim];
        graph.Initializer.Add(Tensor("table", Float32, [Vocabulary.Count(), Dim], Vocabulary.SelectMany(Of).ToArray()));
        graph.Node.Add(Node("Gather", TokenTypes ? "words" : Output, "table", "input_ids"));
        if (TokenTypes)
        {
            graph.Initializer.Add(Tensor("types", Float32, [2, Dim], Enumerable.Range(0, 2 * Dim).Select(n => n < Dim ? 0f : 50f).ToArray()));
            graph.Node.Add(Node("Gather", "typed", "types", "token_type_ids"));
            graph.Node.Add(Node("Add", Output, "words", "typed"));
        }

        graph.Output.Add(Value(Output, Float32, "texts", "tokens", Dim));
        if (Sentence)
        {
            var to = new AttributeProto { Name = "to", I = Float32, Type = AttributeProto.Types.AttributeType.Int };
            var cast = Node("Cast", "mask", "attention_mask");
            cast.Attribute.Add(to);
            graph.Initializer.Add(Tensor("axis2", Int64, [1], [2L]));
            graph.Initializer.Add(Tensor("axis1", Int64, [1], [1L]));
            var sum = Node("ReduceSum", "sentence_embedding", "masked", "axis1");
            sum.Attribute.Add(new AttributeProto { Name = "keepdims", I = 0, Type = AttributeProto.Types.AttributeType.Int });
            graph.Node.Add([cast, Node("Unsqueeze", "column", "mask", "axis2"), Node("Mul", "masked", Output, "column"), sum]);
            graph.Output.Add(Value("sentence_embedding", Float32, "texts", Dim));
        }

        var model = new ModelProto { IrVersion = 8, ProducerName = "TwoTower's tests", Graph = graph };
        model.OpsetImport.Add(new OperatorSetIdProto { Version = 17 });
        return model.ToByteArray();
    }

    private static ValueInfoProto Value(string name, int type, params object[] dims)
    {
        var shape = new TensorShapeProto();
        foreach (var dim in dims)
        {
            shape.Dim.Add(
                dim is int length ? new TensorShapeProto.Types.Dimension { DimValue = length } : new() { DimParam = (string)dim });
        }

        return new() { Name = name, Type = new() { TensorType = new() { ElemType = type, Shape = shape } } };
    }

    private static TensorProto Tensor<T>(string name, int type, long[] dims, T[] values) where T : struct
    {
        var raw = ByteString.CopyFrom(MemoryMarshal.AsBytes(values.AsSpan()));
        var tensor = new TensorProto { Name = name, DataType = type, RawData = raw };
        tensor.Dims.Add(dims);
        return tensor;
    }

    private static NodeProto Node(string type, string output, params string[] inputs)
    {
        var node = new NodeProto { OpType = type, Name = output + ":" + type };
        node.Input.Add(inputs);
        node.Output.Add(output);
        return node;
    }
}
