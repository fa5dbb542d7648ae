using TwoTower.Evaluation.Results;

namespace TwoTower.Evaluation.Tests;

public class BootstrapTests
{
    private static readonly UserSeries Series = new([1, 0, 1, 1, 0, 1, 0, 1, 1, 1], [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]);

    [Fact]
    public void The_same_seed_gives_the_same_interval_around_the_mean_and_another_seed_another()
    {
        double[] Draws(int seed) => Bootstrap.Means([Series], 500, seed, CancellationToken.None)[0];
        Assert.Equal(Draws(1), Draws(1));
        Assert.NotEqual(Draws(1), Draws(2));

        // 7 of 10: the mean's deviation is √(.7 · .3 / 10) = .145, so 95 % are about .42 to .98.
        var (low, high) = Bootstrap.Interval(Draws(1))!.Value;
        Assert.InRange(low, 0.3, 0.5);
        Assert.InRange(high, 0.9, 1.0);
    }

    [Fact]
    public void All_series_see_the_same_viewers_so_a_constant_difference_has_no_spread()
    {
        var better = new UserSeries([.. Series.Sums.Select(sum => sum + 0.25)], Series.Counts);
        var means = Bootstrap.Means([Series, better], 100, 7, CancellationToken.None);
        Assert.All(means[1].Zip(means[0], (a, b) => a - b), difference => Assert.Equal(0.25, difference, 12));
    }

    [Fact]
    public void An_interval_interpolates_and_leaves_out_what_is_no_number()
    {
        // Of 0..4 the 2.5 % point is at place .1, the 97.5 % point at 3.9.
        var (low, high) = Bootstrap.Interval([4, double.NaN, 0, 1, 2, 3])!.Value;
        Assert.Equal(0.1, low, 12);
        Assert.Equal(3.9, high, 12);
        Assert.Null(Bootstrap.Interval([double.NaN]));
    }
}
