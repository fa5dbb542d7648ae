using TwoTower.Core;
using TwoTower.Evaluation.Protocols;
using static TwoTower.Evaluation.Tests.EvaluationWorld;

namespace TwoTower.Evaluation.Tests;

public class ColdItemsProtocolTests
{
    [Fact]
    public void Cold_videos_leave_training_and_only_they_are_ranked_from_all_that_was_decided_on_warm_ones()
    {
        // Viewer 2 is learned from. Viewer 11 is asked: five warm likes, a warm nope, two cold likes and a cold nope.
        var tables = Of([
            .. Likes(2, 1, 2, 3, 4, 5, 6, 10, 20, 30),
            .. Likes(11, 1, 2, 3, 4, 5, 10, 20), .. Nopes(11, 6, 30)]);

        var split = ColdItemsProtocol.Create(tables, new(), HeldOutGroup.Validation);

        Assert.Equal([1, 2, 3, 4, 5, 6, 10, 20, 30], split.Items.Select((_, item) => Number(split, item)));
        Assert.Equal(
            [10, 20, 30], split.Items.Select((_, item) => item).Where(item => split.IsRanked[item]).Select(item => Number(split, item)));
        Assert.DoesNotContain(split.Training.Videos, video => video.ExternalId!.EndsWith('0'));
        Assert.Equal(
            [1, 2, 3, 4, 5, 6],
            split.Training.Decisions.Select(row => int.Parse(split.Training.Videos.Single(v => v.Id == row.VideoId).ExternalId![3..])));
        var query = Assert.Single(split.Queries);
        Assert.Equal([10, 20], query.Targets.Select(item => Number(split, item)));
        Assert.Equal([30], query.HeldOutNopes.Select(item => Number(split, item)));
        Assert.Equal([1, 2, 3, 4, 5], query.Likes.Select(item => Number(split, item)));
        Assert.Equal([6], query.Nopes.Select(item => Number(split, item)));
    }

    [Fact]
    public void A_viewer_with_four_warm_likes_is_not_asked_and_the_message_says_what_is_missing()
    {
        var tables = Of([.. Likes(2, 1, 2, 3, 4, 10), .. Likes(11, 1, 2, 3, 4, 10)]);
        var error = Assert.Throws<InputException>(() => ColdItemsProtocol.Create(tables, new(), HeldOutGroup.Validation));
        Assert.Contains("none of the 1 users whose number ends in 1 has 5 likes of warm videos and one of a cold one", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Data_without_cold_videos_is_refused()
    {
        var error = Assert.Throws<InputException>(() => ColdItemsProtocol.Create(Of([.. Likes(2, 1, 2)]), new(), HeldOutGroup.Validation));
        Assert.StartsWith("0 of 2 videos with a like have a number that ends in 0", error.Message, StringComparison.Ordinal);
    }
}
