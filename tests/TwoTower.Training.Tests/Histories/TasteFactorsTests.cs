using TwoTower.Training.Factors;
using TwoTower.Training.Randomness;

namespace TwoTower.Training.Tests.Histories;

public class TasteFactorsTests
{
    // Two camps: each likes one half of the items and nopes the other; everybody decides on most.
    private static (int[] Likes, int[] Nopes)[] Camps() =>
    [
        .. Enumerable.Range(0, 60).Select(user =>
        {
            int[] decided = [.. Enumerable.Range(0, 20).Where(item => (item + user) % 4 != 0)];
            var camp = user % 2;
            return (decided.Where(item => item / 10 == camp).ToArray(), decided.Where(item => item / 10 != camp).ToArray());
        }),
    ];

    [Fact]
    public void A_few_decisions_tell_the_camp_and_with_it_the_like_probability_of_everything()
    {
        var taste = TasteFactors.Fit(Camps(), 20, 4, 0.5, 8, new SeededRandom(1, RandomPurpose.Factors), 1, default);
        var scores = new float[20];
        taste.LogProbabilities([1, 2, 3], [11, 12], scores, new(5));
        Assert.True(scores[..10].Min() > Math.Log(0.8), $"{scores[..10].Min()}");
        Assert.True(scores[10..].Max() < Math.Log(0.2), $"{scores[10..].Max()}");

        // Nopes alone say it as well.
        taste.LogProbabilities([], [1, 2, 3], scores, new(5));
        Assert.True(scores[..10].Max() < scores[10..].Min());
    }

    [Fact]
    public void Of_somebody_without_decisions_the_share_of_likes_is_all_that_is_known()
    {
        (int[], int[])[] users =
            [.. Enumerable.Range(0, 40).Select(user => (new[] { 0 }, user % 2 == 0 ? new[] { 1 } : [])),
                .. Enumerable.Range(0, 20).Select(_ => (new[] { 1 }, Array.Empty<int>()))];
        var taste = TasteFactors.Fit(users, 2, 2, 1, 10, new SeededRandom(1, RandomPurpose.Factors), 1, default);
        var scores = new float[2];
        taste.LogProbabilities([], [], scores, new(3));
        Assert.InRange(Math.Exp(scores[0]), 0.9, 1.2);
        Assert.InRange(Math.Exp(scores[1]), 0.4, 0.75);
    }

    [Fact]
    public void The_same_seed_gives_the_same_numbers_on_any_number_of_threads()
    {
        float[] Fit(int threads)
        {
            var taste = TasteFactors.Fit(Camps(), 20, 4, 0.5, 3, new SeededRandom(1, RandomPurpose.Factors), threads, default);
            return [.. Enumerable.Range(0, 20).SelectMany(item => taste[item].ToArray())];
        }

        Assert.Equal(Fit(1), Fit(3));
    }
}
