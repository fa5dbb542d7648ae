using System.Runtime.InteropServices;
using Google.Protobuf;
using TwoTower.Core.Artifacts.Onnx;

namespace TwoTower.Core.Artifacts;

/// <summary>
/// Writes a tower as an ONNX graph: Gemm (transB) → Relu → … → Gemm → L2 normalisation as ReduceL2 → Max(1e-12) → Div. Operator set 17,
/// float32, [batch, input] → [batch, embedding] with any batch. The same weights give the same bytes.
/// </summary>
internal static class OnnxTowerWriter
{
    private const int OperatorSet = 17;
    private const int IrVersion = 8; // the one that came with operator set 17
    private const int Float32 = 1;

    // torch.nn.functional.normalize's default: a zero vector stays zero instead of becoming NaN.
    private const float NormEpsilon = 1e-12f;

    /// <summary>The bytes of the <c>.onnx</c> file.</summary>
    /// <param name="weights">The tower.</param>
    /// <param name="inputName">Name of the input, <c>user_features</c> or <c>item_features</c>.</param>
    /// <param name="outputName">Name of the output, <c>user_embedding</c> or <c>item_embedding</c>.</param>
    /// <param name="normalize">False leaves out the normalisation: history vectors are added up, and their length counts.</param>
    public static byte[] Write(TowerWeights weights, string inputName, string outputName, bool normalize = true)
    {
        ArgumentNullException.ThrowIfNull(weights);
        var graph = new GraphProto { Name = "tower" };
        graph.Input.Add(Value(inputName, weights.InputDim));
        graph.Output.Add(Value(outputName, weights.EmbeddingDim));

        var current = inputName;
        for (var l = 1; l <= weights.Layers.Count; l++)
        {
            var layer = weights.Layers[l - 1];
            graph.Initializer.Add(Tensor($"l{l}.weight", [layer.OutputDim, layer.InputDim], layer.Weight));
            graph.Initializer.Add(Tensor($"l{l}.bias", [layer.OutputDim], layer.Bias));
            var output = l == weights.Layers.Count && !normalize ? outputName : $"l{l}";
            graph.Node.Add(Node("Gemm", [current, $"l{l}.weight", $"l{l}.bias"], output, Int("transB", 1)));
            current = output;
            if (l < weights.Layers.Count)
            {
                graph.Node.Add(Node("Relu", [current], $"l{l}.relu"));
                current = $"l{l}.relu";
            }
        }

        if (normalize) Normalize(graph, current, outputName);
        var model = new ModelProto { IrVersion = IrVersion, ProducerName = "TwoTower", Graph = graph };
        model.OpsetImport.Add(new OperatorSetIdProto { Version = OperatorSet });
        return model.ToByteArray();
    }

    private static void Normalize(GraphProto graph, string current, string outputName)
    {
        graph.Initializer.Add(Tensor("epsilon", [], [NormEpsilon]));
        // Operator set 18 made the axes of ReduceL2 an input; in 17 they are an attribute.
        var axes = new AttributeProto { Name = "axes", Type = AttributeProto.Types.AttributeType.Ints };
        axes.Ints.Add(1);
        graph.Node.Add(Node("ReduceL2", [current], "norm", axes, Int("keepdims", 1)));
        graph.Node.Add(Node("Max", ["norm", "epsilon"], "norm.floored"));
        graph.Node.Add(Node("Div", [current, "norm.floored"], outputName));
    }

    private static ValueInfoProto Value(string name, int columns)
    {
        var shape = new TensorShapeProto();
        shape.Dim.Add(new TensorShapeProto.Types.Dimension { DimParam = "batch" });
        shape.Dim.Add(new TensorShapeProto.Types.Dimension { DimValue = columns });
        return new() { Name = name, Type = new() { TensorType = new() { ElemType = Float32, Shape = shape } } };
    }

    private static TensorProto Tensor(string name, long[] dims, float[] values)
    {
        var tensor = new TensorProto
        {
            Name = name,
            DataType = Float32,
            RawData = ByteString.CopyFrom(MemoryMarshal.AsBytes(values.AsSpan())),
        };
        tensor.Dims.Add(dims);
        return tensor;
    }

    private static NodeProto Node(string type, string[] inputs, string output, params AttributeProto[] attributes)
    {
        var node = new NodeProto { OpType = type, Name = $"{output}:{type}" };
        node.Input.Add(inputs);
        node.Output.Add(output);
        node.Attribute.Add(attributes);
        return node;
    }

    private static AttributeProto Int(string name, long value) =>
        new() { Name = name, I = value, Type = AttributeProto.Types.AttributeType.Int };
}
