using TwoTower.Evaluation.Evaluators;
using TwoTower.Evaluation.Results;

namespace TwoTower.Evaluation.Tests;

public class ScoreDistributionTests
{
    [Fact]
    public void Likes_and_nopes_are_counted_in_the_same_bins_and_the_highest_is_in_the_last()
    {
        var distribution = ScoreDistribution.Of([Of([0.29f, 3f, 1.55f], [0f, 0.05f])])!;

        Assert.Equal((0.0, 3.0, 0.1), (distribution.Low, distribution.High, Math.Round(distribution.Width, 12))); // 30 bins
        Assert.Equal([2, 15, 29], distribution.Likes.Index().Where(bin => bin.Item == 1).Select(bin => bin.Index));
        Assert.Equal(2, distribution.Nopes[0]);
        Assert.Equal((3, 2), (distribution.Likes.Sum(), distribution.Nopes.Sum()));
    }

    [Fact]
    public void There_is_none_without_nopes_or_without_a_difference()
    {
        Assert.Null(ScoreDistribution.Of([Of([1f, 2f], [])]));
        Assert.Null(ScoreDistribution.Of([Of([1f], [1f])]));
    }

    private static Answers Of(float[] likes, float[] nopes)
    {
        var result = new QueryResult
        {
            UserId = Guid.Empty,
            HistoryLikes = 1,
            HistoryDecisions = 1,
            Recall20 = 0,
            Recall50 = 0,
            Ndcg100 = 0,
            UAuc = null,
            Nope20 = 0,
            Diversity = 0,
            Novelty = 0,
            MakerShare = null,
            RecallByPopularity = [null, null, null],
            Top = [],
            Scores = (likes, nopes),
        };
        return new("any", false, false, null, [[result]], TimeSpan.Zero, []);
    }
}
