using TwoTower.Core.Features;
using TwoTower.Core.Quality;
using TwoTower.Core.Rows;
using TwoTower.Testing;

namespace TwoTower.Core.Tests.Quality;

public sealed class HeldOutQueryTests
{
    private static readonly Guid User = TestVideos.Id(900);

    private static (HistoryEntry, bool) Row(int video, int day, bool like = true, bool exists = true) =>
        (new(TestVideos.Id(video), like ? DecisionType.Like : DecisionType.Nope, DateTimeOffset.UnixEpoch.AddDays(day), null, [], []),
            exists);

    private static HeldOutQuery? Split(params (HistoryEntry, bool)[] rows) => HeldOutQuery.Split(User, new(null), rows);

    [Fact]
    public void The_latest_fifth_of_the_likes_is_asked_for_and_only_what_was_before_it_is_known()
    {
        // Ten likes on days 1..10, in no order; the last two are the targets, the request is of day 9.
        var rows = Enumerable.Range(1, 10).Reverse().Select(n => Row(n, n)).Append(Row(20, 3, like: false)).Append(Row(21, 9, like: false))
            .Append(Row(22, 10, like: false)).ToArray();
        var query = Split(rows)!;
        Assert.Equal([TestVideos.Id(9), TestVideos.Id(10)], query.Targets);
        Assert.Equal(DateTimeOffset.UnixEpoch.AddDays(9), query.AsOf);
        Assert.Equal(
            new[] { 1, 2, 3, 4, 5, 6, 7, 8, 20, 21 }.Select(TestVideos.Id), query.History.Entries.Select(entry => entry.VideoId).Order());
        Assert.Equal([TestVideos.Id(22)], query.Nopes);
    }

    [Fact]
    public void Likes_of_one_moment_are_split_by_video_id_and_the_rest_of_that_moment_is_known()
    {
        var query = Split([.. Enumerable.Range(1, 5).Reverse().Select(n => Row(n, 7))])!;
        Assert.Equal([TestVideos.Id(5)], query.Targets);
        Assert.Equal(4, query.History.Entries.Count);
    }

    [Fact]
    public void A_target_is_nowhere_in_the_history_and_a_like_that_came_back_counts_once()
    {
        var query = Split(Row(1, 1), Row(2, 2), Row(3, 3), Row(4, 4), Row(5, 5), Row(5, 1, like: false), Row(1, 9))!;
        Assert.Equal([TestVideos.Id(5)], query.Targets);
        Assert.DoesNotContain(query.History.Entries, entry => entry.VideoId == TestVideos.Id(5));
        Assert.Equal(
            [1, 2, 3, 4],
            query.History.Entries.Select(
                entry => Array.IndexOf([.. Enumerable.Range(1, 4).Select(TestVideos.Id)], entry.VideoId) + 1).Order());
    }

    [Fact]
    public void With_fewer_than_five_likes_of_videos_that_exist_a_user_is_not_asked_about()
    {
        Assert.Null(Split([.. Enumerable.Range(1, 4).Select(n => Row(n, n)), Row(5, 5, exists: false), Row(6, 6, like: false)]));
        Assert.Null(Split());
    }

    [Fact]
    public void A_heavy_viewer_has_twenty_targets_at_most() =>
        Assert.Equal(20, Split([.. Enumerable.Range(1, 500).Select(n => Row(n, n))])!.Targets.Count);

    [Fact]
    public void The_difference_of_two_releases_is_taken_user_by_user()
    {
        // Differences .1, .3, .2: mean .2, sample deviation .1, standard error .1 ÷ √3.
        var difference = PairedDifference.Of([.5, .9, .2], [.4, .6, .0]);
        Assert.Equal(.2, difference.Mean, 12);
        Assert.Equal(.1 / Math.Sqrt(3), difference.StandardError, 12);
        Assert.Throws<ArgumentException>(() => PairedDifference.Of([1], [1]));
    }
}
