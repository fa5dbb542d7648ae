using TwoTower.Core.Features;
using TwoTower.Core.Rows;
using TwoTower.Evaluation.Baselines;
using TwoTower.Evaluation.Evaluators;
using TwoTower.Evaluation.Models;
using TwoTower.Evaluation.Queries;
using static TwoTower.Evaluation.Tests.EvaluationWorld;

namespace TwoTower.Evaluation.Tests;

public class BaselineTests
{
    // Likes: video 1 of viewers 2, 3, 4; video 2 of viewers 2, 3; video 3 of viewer 5. Viewer 4 nopes video 2.
    private static readonly Split World =
        SplitOf(Of([.. Likes(2, 1, 2), .. Likes(3, 1, 2), .. Likes(4, 1), .. Nopes(4, 2), .. Likes(5, 3)]));

    [Fact]
    public void Popularity_counts_likes_and_the_ratio_is_smoothed()
    {
        Assert.Equal([3, 2, 1], Scores(CountScorer.Popularity(World)));
        float[] expected = [(3 + 3) / (3f + 4), (2 + 3) / (3f + 4), (1 + 3) / (1f + 4)];
        Assert.Equal(expected, Scores(CountScorer.LikeRatio(World)));
    }

    [Fact]
    public void Ease_of_two_items_that_go_together_is_their_likes_over_the_regularised_likes()
    {
        // Video 3 stands alone, so the rest is two items: B₁₂ = g₁₂ ÷ (g₁₁ + λ), the ridge regression of 2 on 1. g₁₂ = 2, g₁₁ = 3, λ = 1.
        using var ease = Ease.Fit(World, lambda: 1, CancellationToken.None);
        var scores = Scores(ease, likes: [0]);
        Assert.Equal(0, scores[0]);
        Assert.Equal(2 / 4f, scores[1], 5);
        Assert.Equal(0, scores[2], 5);
    }

    [Fact]
    public void Neighbours_are_by_cosine_of_their_viewers()
    {
        using var knn = ItemKnn.Fit(World, 100, CancellationToken.None);
        var scores = Scores(knn, likes: [0]);
        Assert.Equal(2 / Math.Sqrt(3 * 2), scores[1], 5); // two viewers in common ÷ √(3 · 2)
        Assert.Equal(0, scores[2]);
    }

    [Fact]
    public void Ials_prefers_what_goes_together_and_repeats_itself_by_its_seed()
    {
        using var first = Ials.Fit(World, new(), 7, CancellationToken.None);
        using var second = Ials.Fit(World, new(), 7, CancellationToken.None);
        var scores = Scores(first, likes: [0]);
        Assert.Equal(scores, Scores(second, likes: [0]));
        Assert.True(scores[1] > scores[2], string.Join(", ", scores));
    }

    [Fact]
    public void A_ranking_leaves_the_history_out_and_gives_ties_to_the_earlier_item()
    {
        float[] scores = [5, 1, 3, 3, 9, 3];
        bool[] ranked = [true, true, true, true, false, true];
        Assert.Equal([2, 3, 5], Ranking.Top(scores, ranked, Ask([0], [1]), 10));
        Assert.Equal([0, 2], Ranking.Top(scores, ranked, Ask([], []), 2));
    }

    private static Split SplitOf(TableSet tables) => new("test", tables, tables.Videos, [.. tables.Videos.Select(_ => true)], [], Start);

    private static float[] Scores(IScorer scorer, params int[] likes)
    {
        var scores = new float[World.Items.Count];
        scorer.Score(Ask(likes, []), scores);
        return scores;
    }

    private static Query Ask(int[] likes, int[] nopes) => new(new UserHistory(Viewer(1), new(null), []), likes, nopes, [], []);
}
