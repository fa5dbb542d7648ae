using TwoTower.Core.Artifacts;
using TwoTower.Core.Inference;
using TwoTower.Testing;

namespace TwoTower.Core.Tests.Inference;

public sealed class OnnxTowerTests
{
    private static readonly TowerWeights Weights = TestCheckpoints.Tower(new Random(7), [40, 32, 24, 16]);

    private static OnnxTower Tower(TowerWeights? weights = null, string input = "user_features", int inputDim = 40, int embeddingDim = 16) =>
        new(OnnxTowerWriter.Write(weights ?? Weights, "user_features", "user_embedding"), "user_tower.onnx", input, inputDim, embeddingDim);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(64)]
    [InlineData(65)]
    [InlineData(1000)]
    public void Embeddings_are_those_of_the_weights_whatever_the_batch(int batch)
    {
        using var tower = Tower();
        var random = new Random(batch);
        var features = new float[batch * 40];
        foreach (ref var value in features.AsSpan()) value = (float)(random.NextDouble() * 4 - 2);
        var embeddings = new float[batch * 16];
        tower.Encode(features, batch, embeddings);

        for (var row = 0; row < batch; row++)
        {
            var expected = Forward(features.AsSpan(row * 40, 40));
            for (var k = 0; k < 16; k++) Close.Equal(expected[k], embeddings[row * 16 + k], $"row {row} [{k}]");
        }
    }

    [Fact]
    public async Task Many_callers_at_once_get_what_each_would_get_alone()
    {
        using var tower = Tower();
        var features =
            Enumerable.Range(0, 16).Select(caller => Enumerable.Range(0, 40).Select(k => MathF.Sin(caller * 40 + k)).ToArray()).ToArray();
        var alone = features.Select(vector => Encode(tower, vector)).ToArray();

        await Parallel.ForEachAsync(Enumerable.Range(0, 2000), new ParallelOptions { MaxDegreeOfParallelism = 8 }, (i, _) =>
        {
            Assert.Equal(alone[i % 16], Encode(tower, features[i % 16]));
            return ValueTask.CompletedTask;
        });
    }

    [Fact]
    public async Task A_tower_disposed_under_load_finishes_the_calls_that_run_and_refuses_later_ones()
    {
        for (var round = 0; round < 20; round++)
        {
            var tower = Tower();
            var refused = 0;
            using var started = new CountdownEvent(4);
            var callers = Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
            {
                var features = new float[500 * 40];
                var embeddings = new float[500 * 16];
                started.Signal();
                try
                {
                    while (true)
                    {
                        tower.Encode(features, 500, embeddings);
                        Assert.True(UnitVector.IsUnit(embeddings.AsSpan(499 * 16, 16), out var _));
                    }
                }
                catch (ObjectDisposedException)
                {
                    Interlocked.Increment(ref refused);
                }
            })).ToArray();
            started.Wait();
            tower.Dispose();
            tower.Dispose();
            await Task.WhenAll(callers);
            Assert.Equal(4, refused);
        }
    }

    [Fact]
    public void A_network_of_other_dimensions_is_refused_by_name()
    {
        var input = Assert.Throws<InputException>(() => Tower(inputDim: 41));
        Assert.Contains("user_tower.onnx: input user_features is Float [-1, 40]; Float [-1, 41] was expected", input.Message, StringComparison.Ordinal);
        var output = Assert.Throws<InputException>(() => Tower(embeddingDim: 8));
        Assert.Contains("output user_embedding is Float [-1, 16]; Float [-1, 8] was expected", output.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_network_with_another_input_is_refused_by_name()
    {
        var error = Assert.Throws<InputException>(() => Tower(input: "features"));
        Assert.Contains("user_tower.onnx has the inputs user_features; the feature schema says features alone", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_is_no_network_is_refused_by_name()
    {
        var error = Assert.Throws<InputException>(() => new OnnxTower([1, 2, 3], "user_tower.onnx", "user_features", 40, 16));
        Assert.StartsWith("user_tower.onnx is not a network that ONNX Runtime can load", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_network_with_a_NaN_weight_is_refused()
    {
        var layer = Weights.Layers[2];
        var broken = new TowerWeights([Weights.Layers[0], Weights.Layers[1], layer with { Bias = [float.NaN, .. layer.Bias[1..]] }]);
        var error = Assert.Throws<InputException>(() => Tower(broken));
        Assert.Contains("user_tower.onnx gives a vector of length NaN", error.Message, StringComparison.Ordinal);
    }

    private static float[] Encode(OnnxTower tower, float[] features)
    {
        var embedding = new float[16];
        tower.Encode(features, 1, embedding);
        return embedding;
    }

    private static double[] Forward(ReadOnlySpan<float> features)
    {
        var vector = features.ToArray().Select(value => (double)value).ToArray();
        for (var l = 0; l < Weights.Layers.Count; l++)
        {
            var layer = Weights.Layers[l];
            var next = new double[layer.OutputDim];
            for (var o = 0; o < layer.OutputDim; o++)
            {
                next[o] = layer.Bias[o];
                for (var i = 0; i < layer.InputDim; i++) next[o] += layer.Weight[o * layer.InputDim + i] * vector[i];
                if (l < Weights.Layers.Count - 1) next[o] = Math.Max(0, next[o]);
            }

            vector = next;
        }

        var norm = Math.Sqrt(vector.Sum(value => value * value));
        return [.. vector.Select(value => value / norm)];
    }
}
