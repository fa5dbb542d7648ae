using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using TwoTower.Core.Artifacts;

namespace TwoTower.Core.Tests.Artifacts;

public class OnnxTowerWriterTests
{
    [Fact]
    public void A_network_worked_out_by_hand_gives_its_unit_vector()
    {
        // x = (1, 2): layer 1 gives (1·1 + 2·1 + 0, 1·1 − 2·2 + 1) = (3, −2), ReLU (3, 0);
        // layer 2 gives (3·1, 3·0 + 4) = (3, 4); normalised (.6, .8).
        var tower = new TowerWeights([new(2, 2, [1, 1, 1, -2], [0, 1]), new(2, 2, [1, 5, 0, 7], [0, 4])]);
        Assert.Equal([0.6f, 0.8f], Run(tower, [1, 2], 1), new WithinTolerance(1e-7));
    }

    [Fact]
    public void A_zero_vector_before_the_normalisation_stays_zero()
    {
        var tower = new TowerWeights([new(1, 2, [1, 1], [0, 0]), new(2, 2, [1, 0, 0, 1], [0, 0])]);
        Assert.Equal([0f, 0f], Run(tower, [-1], 1));
    }

    [Fact]
    public void Input_and_output_carry_the_names_and_dimensions_of_the_contract()
    {
        var tower = new TowerWeights([new(2, 2, [1, 1, 1, -2], [0, 1]), new(2, 3, new float[6], new float[3])]);
        using var session = new InferenceSession(OnnxTowerWriter.Write(tower, "user_features", "user_embedding"));

        Assert.Equal([-1, 2], session.InputMetadata["user_features"].Dimensions);
        Assert.Equal([-1, 3], session.OutputMetadata["user_embedding"].Dimensions);
    }

    [Fact]
    public void The_graph_is_of_operator_set_17_which_browsers_load()
    {
        // ONNX, ModelProto.opset_import: field 8, a message whose field 2 is the version.
        var bytes = OnnxTowerWriter.Write(new TowerWeights([new(1, 1, [1], [0])]), "x", "y");
        Assert.Equal((byte[])[0x42, 2, 0x10, 17], bytes[^4..]);
    }

    [Fact]
    public void The_same_weights_give_the_same_bytes()
    {
        var tower = new TowerWeights([new(2, 2, [1, 1, 1, -2], [0, 1])]);
        Assert.Equal(OnnxTowerWriter.Write(tower, "a", "b"), OnnxTowerWriter.Write(tower, "a", "b"));
    }

    private static float[] Run(TowerWeights tower, float[] input, int batch)
    {
        using var session = new InferenceSession(OnnxTowerWriter.Write(tower, "x", "y"));
        using var results = session.Run([NamedOnnxValue.CreateFromTensor("x", new DenseTensor<float>(input, [batch, tower.InputDim]))]);
        return [.. results[0].AsEnumerable<float>()];
    }

    private sealed class WithinTolerance(double tolerance) : IEqualityComparer<float>
    {
        public bool Equals(float x, float y) => Math.Abs(x - y) <= tolerance;

        public int GetHashCode(float value) => 0;
    }
}
