using TwoTower.Core;
using TwoTower.Core.Rows;
using TwoTower.Evaluation.Protocols;
using static TwoTower.Evaluation.Tests.EvaluationWorld;

namespace TwoTower.Evaluation.Tests;

public class HeldOutUsersProtocolTests
{
    // Viewer 2 is learned from, 11 is asked, 20 is kept apart. Nobody to learn from likes video 99.
    private static readonly TableSet Tables = Of([
        .. Likes(2, 12, 5, 1, 2, 3, 4, 6, 7, 8, 9, 10), .. Nopes(2, 11),
        .. Likes(11, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 99), .. Nopes(11, 12),
        .. Likes(20, 1, 2, 3, 4, 5)]);

    [Theory]
    [InlineData(1, 1, 3534391328)] // (1 · 2654435761) xor (1 · 40503 · 2246822519), the lower 32 bits; computed with Python's integers
    [InlineData(17, 260, 1371947909)]
    [InlineData(6040, 3952, 714999400)]
    public void The_shuffle_is_the_one_that_is_documented(long viewer, long video, long expected) =>
        Assert.Equal(expected, Numbering.Shuffle(viewer, video));

    [Fact]
    public void A_fifth_of_the_likes_that_the_model_can_know_is_to_be_found_and_the_rest_is_the_history()
    {
        var split = HeldOutUsersProtocol.Create(Tables, new(), HeldOutGroup.Validation);

        var query = Assert.Single(split.Queries);
        Assert.Equal(Viewer(11), query.History.UserId);
        int[] shuffled = [.. Enumerable.Range(1, 10).OrderBy(film => Numbering.Shuffle(11, film))];
        Assert.Equal(shuffled[..2], query.Targets.Select(item => Number(split, item))); // 10 likes, 99 isn't one of them
        Assert.Equal(shuffled[2..].Order(), query.Likes.Select(item => Number(split, item)).Order());
        Assert.Empty(query.HeldOutNopes); // a fifth of one is none
        Assert.Equal(12, Number(split, Assert.Single(query.Nopes)));
        Assert.Equal(9, query.History.Entries.Count);
        Assert.DoesNotContain(query.History.Entries, entry => query.Targets.Any(target => split.Items[target].Id == entry.VideoId));
    }

    [Fact]
    public void Items_are_what_somebody_in_training_likes_in_ascending_order_and_held_out_viewers_are_not_learned_from()
    {
        var split = HeldOutUsersProtocol.Create(Tables, new(), HeldOutGroup.Validation);

        Assert.Equal([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12], split.Items.Select((_, item) => Number(split, item)));
        Assert.Equal([Viewer(2)], split.Training.Decisions.Select(row => row.UserId).Distinct());
        Assert.Equal([Viewer(2)], split.Training.Profiles.Select(profile => profile.UserId));
        Assert.Equal(split.Training.Decisions.Max(row => row.CreatedAt), split.AsOf);
    }

    [Fact]
    public void The_test_viewers_are_the_other_group()
    {
        var query = Assert.Single(HeldOutUsersProtocol.Create(Tables, new(), HeldOutGroup.Test).Queries);
        Assert.Equal(Viewer(20), query.History.UserId);
        Assert.Single(query.Targets); // five likes, one fifth
    }

    [Fact]
    public void Nobody_to_ask_is_said_with_the_remedy()
    {
        var error = Assert.Throws<InputException>(() => HeldOutUsersProtocol.Create(Tables, new("7", "0"), HeldOutGroup.Validation));
        Assert.Equal(
            "no user's number ends in 7, so there is nobody to ask: give another --validation-suffix, or data with these users", error.Message);
        Assert.Contains("exclude each other", Assert.Throws<InputException>(() => HeldOutUsersProtocol.Create(Tables, new("1", "11"), HeldOutGroup.Test)).Message, StringComparison.Ordinal);
    }

}
