using System.Runtime.InteropServices;
using Google.Protobuf;
using TwoTower.Core.Artifacts;
using TwoTower.Core.Artifacts.Onnx;

namespace TwoTower.Testing;

/// <summary>Networks as other programs make them, of a tower's weights: operators and forms that TwoTower's towers don't have.</summary>
internal static class ForeignTowers
{
    /// <summary>The bytes of an .onnx file.</summary>
    /// <param name="kind">dense: other operators; layers: normalised within, too; form: a known operator in another form; strange: an operator
    /// that nobody has; large: known operators, and numbers that nobody uses, ten million bytes of them.</param>
    public static byte[] Write(string kind, TowerWeights weights, string inputName)
    {
        var graph = new GraphProto { Name = "foreign" };
        graph.Input.Add(Value(inputName, weights.InputDim));
        graph.Output.Add(Value("embedding", weights.EmbeddingDim));
        var current = inputName;
        for (var l = 0; l < weights.Layers.Count; l++)
        {
            var layer = weights.Layers[l];
            graph.Initializer.Add(Tensor($"w{l}", [layer.InputDim, layer.OutputDim], Transposed(layer)));
            graph.Initializer.Add(Tensor($"b{l}", [layer.OutputDim], layer.Bias));
            if (kind is "form" or "large") current = Add("Gemm", [current, $"w{l}", $"b{l}"], $"g{l}");
            else current = Add("Add", [Add("MatMul", [current, $"w{l}"], $"m{l}"), $"b{l}"], $"a{l}");
            if (l == weights.Layers.Count - 1) break;
            if (kind == "layers")
            {
                graph.Initializer.Add(Tensor($"s{l}", [layer.OutputDim], [.. Enumerable.Range(0, layer.OutputDim).Select(i => 1 + i / 10f)]));
                current = Add("LayerNormalization", [current, $"s{l}", $"b{l}"], $"n{l}");
            }

            current = Add(kind is "form" or "large" ? "Relu" : kind == "strange" ? "CrystalBall" : "Tanh", [current], $"t{l}");
        }

        if (kind == "large") graph.Initializer.Add(Tensor("unused", [2_500_000], [.. Enumerable.Range(0, 2_500_000).Select(i => MathF.Sin(i))]));
        if (kind == "layers") Add("LpNormalization", [current], "embedding");
        else
        {
            graph.Initializer.Add(Tensor("least", [], [1e-12f]));
            graph.Initializer.Add(Tensor("less", [], [1e-13f]));
            Add("ReduceL2", [current], "norm");
            var axes = new AttributeProto { Name = "axes", Type = AttributeProto.Types.AttributeType.Ints };
            axes.Ints.Add(1);
            graph.Node[^1].Attribute.Add(axes);
            Add("Max", kind == "form" ? ["norm", "least", "less"] : ["norm", "least"], "floored");
            Add("Div", [current, "floored"], "embedding");
        }

        var model = new ModelProto { IrVersion = 8, ProducerName = "another program", Graph = graph };
        model.OpsetImport.Add(new OperatorSetIdProto { Version = 17 });
        return model.ToByteArray();

        string Add(string type, string[] inputs, string output)
        {
            var node = new NodeProto { OpType = type, Name = output };
            node.Input.Add(inputs);
            node.Output.Add(output);
            graph.Node.Add(node);
            return output;
        }
    }

    private static float[] Transposed(LinearWeights layer)
    {
        var turned = new float[layer.Weight.Length];
        for (var o = 0; o < layer.OutputDim; o++)
        {
            for (var i = 0; i < layer.InputDim; i++) turned[i * layer.OutputDim + o] = layer.Weight[o * layer.InputDim + i];
        }

        return turned;
    }

    private static ValueInfoProto Value(string name, int columns)
    {
        var shape = new TensorShapeProto();
        shape.Dim.Add(new TensorShapeProto.Types.Dimension { DimParam = "batch" });
        shape.Dim.Add(new TensorShapeProto.Types.Dimension { DimValue = columns });
        return new() { Name = name, Type = new() { TensorType = new() { ElemType = 1, Shape = shape } } };
    }

    private static TensorProto Tensor(string name, long[] dims, float[] values)
    {
        var tensor = new TensorProto { Name = name, DataType = 1, RawData = ByteString.CopyFrom(MemoryMarshal.AsBytes(values.AsSpan())) };
        tensor.Dims.Add(dims);
        return tensor;
    }
}
