using TwoTower.Training.Probabilities;

namespace TwoTower.Training.Tests.Probabilities;

public sealed class PlattScalingTests
{
    // Scores and rates as a release has them; likes drawn with the probability that the coefficients give.
    private static List<ScoredDecision> Draw(double slope, double intercept, double rate, int count = 40_000)
    {
        var random = new Random(11);
        return [.. Enumerable.Range(0, count).Select(_ =>
        {
            var (score, logit) = (random.NextDouble() * 0.4 - 0.15, random.NextDouble() * 3 - 1);
            return new ScoredDecision(score, logit, random.NextDouble() < 1 / (1 + Math.Exp(-(slope * score + intercept + rate * logit))));
        })];
    }

    [Theory]
    [InlineData(12, -0.7, 0.9)]
    [InlineData(3, 1.5, 0)]
    [InlineData(60, 0, 1.2)]
    public void What_generated_likes_are_drawn_with_is_found(double slope, double intercept, double rate)
    {
        var fit = PlattScaling.Fit(Draw(slope, intercept, rate));

        // Several standard errors of 40,000 draws.
        Assert.InRange(fit.Slope, slope * 0.95 - 0.2, slope * 1.05 + 0.2);
        Assert.InRange(fit.Intercept, intercept - 0.12, intercept + 0.12);
        Assert.InRange(fit.RateWeight, rate - 0.1, rate + 0.1);
    }

    [Fact]
    public void The_targets_are_Platts()
    {
        // Nothing to tell decisions apart: the mean of the targets, (3 × 4/5 + 1/3) ÷ 4 = .68333, whose log-odds are ln(.68333 ÷ .31667).
        var fit = PlattScaling.Fit([new(0, 0, true), new(0, 0, true), new(0, 0, false), new(0, 0, true)]);

        Assert.Equal(Math.Log(41.0 / 19), fit.Intercept, 6);
        Assert.Equal((0, 0), (Math.Round(fit.Slope, 6), Math.Round(fit.RateWeight, 6)));
    }

    [Fact]
    public void Likes_and_nopes_that_a_score_parts_completely_still_give_finite_numbers()
    {
        var fit = PlattScaling.Fit([.. Enumerable.Range(0, 400).Select(i => new ScoredDecision(i < 200 ? -0.1 : 0.1, 0.3, i >= 200))]);

        Assert.True(double.IsFinite(fit.Slope) && double.IsFinite(fit.Intercept) && double.IsFinite(fit.RateWeight), $"{fit}");

        // Platt's targets: 201/202 on one side, 1/202 on the other, so 201 to 1 at ±.1.
        Assert.Equal(Math.Log(201), fit.Slope * 0.1 + fit.Intercept + fit.RateWeight * 0.3, 3);
        Assert.Equal(-Math.Log(201), fit.Slope * -0.1 + fit.Intercept + fit.RateWeight * 0.3, 3);
    }
}
