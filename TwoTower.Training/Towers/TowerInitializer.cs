using TwoTower.Core.Artifacts;
using TwoTower.Core.Configuration;
using TwoTower.Training.Randomness;

namespace TwoTower.Training.Towers;

/// <summary>Fresh weights as <c>torch.nn.Linear</c> draws them: weight and bias uniform in ±1/√inputs.</summary>
internal static class TowerInitializer
{
    /// <summary>Both towers of a recipe; the same seed gives the same weights on every machine.</summary>
    public static (TowerWeights User, TowerWeights Item) Create(int userDim, int itemDim, ModelOptions model, int seed)
    {
        ArgumentNullException.ThrowIfNull(model);
        var random = new SeededRandom(seed, RandomPurpose.Weights);
        return (Tower(userDim, model, random), Tower(itemDim, model, random));
    }

    private static TowerWeights Tower(int inputDim, ModelOptions model, SeededRandom random)
    {
        var layers = new List<LinearWeights>();
        var inputs = inputDim;
        foreach (var outputs in model.HiddenDims.Append(model.EmbeddingDim))
        {
            var bound = 1 / Math.Sqrt(inputs);
            layers.Add(new(inputs, outputs, Uniform((long)inputs * outputs, bound), Uniform(outputs, bound)));
            inputs = outputs;
        }

        return new(layers);

        float[] Uniform(long count, double bound)
        {
            var values = new float[count];
            for (var i = 0; i < values.Length; i++) values[i] = (float)((2 * random.NextDouble() - 1) * bound);
            return values;
        }
    }
}
