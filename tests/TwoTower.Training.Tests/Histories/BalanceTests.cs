using TwoTower.Core.Artifacts;
using TwoTower.Training.Histories;

namespace TwoTower.Training.Tests.Histories;

public sealed class BalanceTests
{
    [Fact]
    public void The_spread_is_shared_out_and_every_score_stays()
    {
        // Users of a tower with one layer, in two dimensions; 16 times as much spread in the first as in the second.
        float[] weight = [4, 0, 0, 1, 0, 0], bias = [0.5f, -0.25f, 0];
        var distillation = new DistillationTargets([1, 2, 3, 4], [], [([0], []), ([1], [])], [16, 1, -16, 1], 2);
        var user = new TowerWeights([new(2, 3, weight, bias)]);

        var (balanced, share) = HistoryTraining.Balance(user, distillation);
        var items = HistoryTraining.Scale(distillation.Items, share);

        Assert.Equal([1, 0.5f, 3, 1], items); // half of a spread of 1 : 16 is 1 : 4
        var last = balanced.Layers[^1];
        foreach (var x in new float[][] { [1, 1], [-2, 3] })
        {
            for (var item = 0; item < 2; item++)
            {
                Assert.Equal(Score(weight, bias, distillation.Items, x, item), Score(last.Weight, last.Bias, items, x, item), 1e-5f);
            }
        }

        Assert.Equal(0, last.Bias[2]);
    }

    [Fact]
    public void A_dimension_that_nobody_uses_stays_finite()
    {
        var distillation = new DistillationTargets([1, 2], [], [([0], [])], [3, 0], 2);
        var (user, share) = HistoryTraining.Balance(new([new(1, 3, [1, 0, 0], [0, 0, 0])]), distillation);
        Assert.All(user.Layers[^1].Weight.Concat(share), number => Assert.True(float.IsFinite(number)));
    }

    private static float Score(float[] weight, float[] bias, float[] items, float[] x, int item)
    {
        var sum = 0f;
        for (var k = 0; k < 2; k++) sum += (weight[k * 2] * x[0] + weight[k * 2 + 1] * x[1] + bias[k]) * items[item * 2 + k];
        return sum;
    }
}
