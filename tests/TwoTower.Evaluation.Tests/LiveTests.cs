using TwoTower.Evaluation.Evaluators;
using TwoTower.Evaluation.Live;
using TwoTower.Evaluation.Protocols;
using TwoTower.Evaluation.Queries;
using static TwoTower.Evaluation.Tests.EvaluationWorld;

namespace TwoTower.Evaluation.Tests;

public class LiveTests
{
    // Viewers 1, 11, 21, … 91 are asked and decide before viewer 2 does, who is learned from; 101 decides after.
    private static readonly Split Split = HeldOutUsersProtocol.Create(
        Of([
            .. Enumerable.Range(0, 10).SelectMany(ten => Likes(ten * 10 + 1, 1, 2, 3, 4, 5)), .. Likes(2, [.. Enumerable.Range(1, 40)]),
            .. Likes(101, 1, 2, 3, 4, 5)]),
        new(), HeldOutGroup.Validation);

    [Fact]
    public void A_sample_is_the_same_every_time_and_a_larger_one_holds_a_smaller_one()
    {
        var four = LiveSample.Draw([Split, Split], 4);
        var eight = LiveSample.Draw([Split, Split], 8);

        Assert.Equal(four, LiveSample.Draw([Split, Split], 4));
        Assert.Equal(4, four.Sum(split => split.Count));
        Assert.Equal(8, eight.Sum(split => split.Count));
        for (var split = 0; split < 2; split++) Assert.Subset(eight[split].ToHashSet(), four[split].ToHashSet());
    }

    [Fact]
    public void Who_likes_nothing_yet_at_the_moment_of_the_request_isnt_drawn_because_no_model_answers_him()
    {
        Assert.Equal(11, Split.Queries.Count);

        var drawn = Assert.Single(LiveSample.Draw([Split], 100));

        Assert.Equal(10, drawn.Count);
        Assert.DoesNotContain(drawn, query => Split.Queries[query].History.UserId == Viewer(101));
    }

    [Fact]
    public void The_loss_is_the_exact_metric_less_the_live_one_and_the_overlap_is_of_the_first_20()
    {
        var query = Split.Queries[0];
        var target = Assert.Single(query.Targets);
        float[] scores = [.. Split.Items.Select((_, item) => item == target ? 2 : 1 - item / 100f)];
        var exact = RankingMetrics.Measure(Split, query, scores);
        int[] order = [.. exact.Top.Select(top => top.Item)];
        Assert.Equal(target, order[0]);

        // The search misses the best, and so one of the first 20; the 21st moves up. One score is .25 off.
        var answer = order[1..].Select((item, place) => (item, (double)scores[item] + (place == 3 ? 0.25 : 0))).ToList();
        var live = LiveAnswer.Of(Split, query, exact, scores, answer, TimeSpan.FromMilliseconds(7));
        var same = LiveAnswer.Of(Split, Split.Queries[1], RankingMetrics.Measure(Split, Split.Queries[1], scores), scores,
            [.. RankingMetrics.Measure(Split, Split.Queries[1], scores).Top.Select(top => (top.Item, (double)top.Score))],
            TimeSpan.FromMilliseconds(3));
        var result = LiveResult.Of("v2", 42, (3, 2), [live, same], 100, CancellationToken.None);

        Assert.Equal(19.0 / 20, live.Overlap20(), 12);
        Assert.Equal((19.0 / 20 + 1) / 2, result.Overlap20.Mean, 12);
        Assert.Equal(0.5, result.Loss.Metrics["recall_20"].Mean, 12); // one of two viewers loses the only like there is to find
        Assert.Equal(0.5, result.Loss.Metrics["ndcg_100"].Mean, 12);
        Assert.Equal(result.Exact.Metrics["recall_20"].Mean - result.Live.Metrics["recall_20"].Mean, result.Loss.Metrics["recall_20"].Mean, 12);
        Assert.Equal((0.0, 1.0), (result.Loss.Metrics["recall_20"].Low!.Value, result.Loss.Metrics["recall_20"].High!.Value));
        Assert.Equal(0.25, result.LargestScoreDifference, 6);
        Assert.Equal((3.0, 7.0), (result.MedianMs, result.P95Ms));
        Assert.Equal((2, 3, 2L), (result.Users, result.Searches, result.IndexSearches));
        Assert.DoesNotContain("uauc", result.Exact.Metrics.Keys);
    }
}
