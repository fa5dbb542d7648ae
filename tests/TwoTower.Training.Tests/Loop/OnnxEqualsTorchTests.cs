using Microsoft.ML.OnnxRuntime;
using TorchSharp;
using TwoTower.Core.Artifacts;
using TwoTower.Core.Configuration;
using TwoTower.Training.Randomness;
using TwoTower.Training.Towers;

namespace TwoTower.Training.Tests.Loop;

[Collection(nameof(Torch))]
public class OnnxEqualsTorchTests
{
    public static TheoryData<int, string, int> Shapes
    {
        get
        {
            var shapes = new TheoryData<int, string, int>();
            foreach (var batch in new[] { 1, 2, 7, 64, 1000 })
            {
                shapes.Add(777, "512,256", batch);
                shapes.Add(35, "16", batch);
                shapes.Add(9, "64,33,7,128", batch);
            }

            return shapes;
        }
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void The_graph_gives_what_the_torch_tower_gives_on_random_input_and_on_zero_vectors(int inputs, string hidden, int batch)
    {
        int[] widths = [.. hidden.Split(',').Select(int.Parse)];
        var options = new ModelOptions { HiddenDims = widths, Dropout = [.. widths.Select(_ => 0.3)], EmbeddingDim = inputs / 3 + 2 };
        var weights = TowerInitializer.Create(inputs, inputs, options, batch).User;
        using var tower = new TorchTower(weights, options);
        tower.eval();
        using var session = new InferenceSession(OnnxTowerWriter.Write(weights, "x", "y"));

        var random = new SeededRandom(batch, RandomPurpose.Weights);
        var input = new float[batch * inputs];
        // Every third row stays zero: the bias alone speaks.
        for (var i = 0; i < input.Length; i++) input[i] = i / inputs % 3 == 2 ? 0 : (float)(6 * random.NextDouble() - 3);

        using var scope = torch.NewDisposeScope();
        using var frozen = torch.no_grad();
        var expected = tower.forward(torch.tensor(input, batch, inputs)).data<float>().ToArray();
        using var value = OrtValue.CreateTensorValueFromMemory(input, [batch, inputs]);
        using var run = new RunOptions();
        using var results = session.Run(run, ["x"], [value], ["y"]);
        var actual = results[0].GetTensorDataAsSpan<float>().ToArray();

        Assert.Equal(expected.Length, actual.Length);
        Assert.True(expected.Zip(actual, (a, b) => Math.Abs(a - b)).Max() < 1e-6f);
    }

    [Fact]
    public void A_tower_that_gives_zero_gives_zero_and_no_NaN_in_both()
    {
        var weights = new TowerWeights([new(2, 3, new float[6], new float[3]), new(3, 2, new float[6], new float[2])]);
        using var tower = new TorchTower(weights, new ModelOptions { HiddenDims = [3], Dropout = [0], EmbeddingDim = 2 });
        using var session = new InferenceSession(OnnxTowerWriter.Write(weights, "x", "y"));
        using var value = OrtValue.CreateTensorValueFromMemory(new float[] { 1, 2 }, [1, 2]);
        using var run = new RunOptions();
        using var results = session.Run(run, ["x"], [value], ["y"]);
        using var scope = torch.NewDisposeScope();

        Assert.Equal([0f, 0f], results[0].GetTensorDataAsSpan<float>().ToArray());
        Assert.Equal([0f, 0f], tower.forward(torch.zeros(1, 2)).data<float>().ToArray());
    }
}
