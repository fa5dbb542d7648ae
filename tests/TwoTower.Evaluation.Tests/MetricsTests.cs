using TwoTower.Core.Quality;

namespace TwoTower.Evaluation.Tests;

public class MetricsTests
{
    private static readonly int[] Ranking = [7, 3, 9, 1, 5];

    [Fact]
    public void Recall_divides_by_the_smaller_of_k_and_the_targets()
    {
        var targets = new HashSet<int> { 3, 1, 8 };
        Assert.Equal(1.0 / 2, Metrics.Recall(Ranking, targets, 2)); // 3 is in the first 2; min(2, 3) = 2
        Assert.Equal(2.0 / 3, Metrics.Recall(Ranking, targets, 20)); // 3 and 1; min(20, 3) = 3
        Assert.Throws<ArgumentException>(() => Metrics.Recall(Ranking, new HashSet<int>(), 20));
    }

    [Fact]
    public void Ndcg_discounts_by_place_and_is_1_with_all_targets_at_the_head()
    {
        // Places 2 and 4: 1/log2(3) + 1/log2(5) = .63093 + .43068 = 1.06161; ideal, two targets: 1 + 1/log2(3) = 1.63093.
        Assert.Equal(1.06161 / 1.63093, Metrics.Ndcg(Ranking, new HashSet<int> { 3, 1 }, 100), 4);
        Assert.Equal(1.0, Metrics.Ndcg(Ranking, new HashSet<int> { 7, 3 }, 100), 12);

        // With k = 1 only the first place counts, and the ideal has one target.
        Assert.Equal(0.0, Metrics.Ndcg(Ranking, new HashSet<int> { 3, 1 }, 1));
    }

    [Fact]
    public void Nopes_are_counted_per_place()
    {
        Assert.Equal(2.0 / 20, Metrics.Nopes(Ranking, new HashSet<int> { 9, 5, 100 }, 20));
        Assert.Equal(1.0 / 3, Metrics.Nopes(Ranking, new HashSet<int> { 9, 5 }, 3));
    }

    [Fact]
    public void Auc_counts_a_tie_half_and_needs_both_sides()
    {
        // Likes .9 and .4 against nopes .4 and .1: .9 beats both, .4 ties one and beats one: (1 + 1 + .5 + 1) / 4.
        float[] scores = [0.9f, 0.4f, 0.4f, 0.1f];
        Assert.Equal(3.5 / 4, Metrics.Auc(scores, [0, 1], [2, 3]));
        Assert.Null(Metrics.Auc(scores, [0], []));
        Assert.Null(Metrics.Auc(scores, [], [3]));
    }

    [Fact]
    public void Novelty_is_the_mean_self_information_in_bits()
    {
        // 8 viewers: liked by 4 is 1 bit, by 1 is 3 bits, by nobody counts as by one.
        Assert.Equal((1 + 3 + 3) / 3.0, Metrics.Novelty([0, 1, 2], [4, 1, 0], 8), 12);
    }
}
