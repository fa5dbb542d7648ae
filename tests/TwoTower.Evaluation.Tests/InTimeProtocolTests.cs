using TwoTower.Core;
using TwoTower.Core.Rows;
using TwoTower.Evaluation.Protocols;
using static TwoTower.Evaluation.Tests.EvaluationWorld;

namespace TwoTower.Evaluation.Tests;

public class InTimeProtocolTests
{
    [Fact]
    public void The_next_likes_are_asked_from_the_history_before_the_cut()
    {
        // Ten decisions a minute apart: the cut at 50 % is before the sixth. After it viewer 1 likes 3 (new) and 1 (seen), nopes 2 between
        // the likes of 3 and 4, and nopes 5 after the last; viewer 3 comes for the first time.
        var tables = Of(
            (1, 1, DecisionType.Like), (2, 3, DecisionType.Like), (2, 4, DecisionType.Like), (2, 2, DecisionType.Like),
            (2, 5, DecisionType.Like),
            (1, 3, DecisionType.Like), (1, 2, DecisionType.Nope), (1, 4, DecisionType.Like), (1, 5, DecisionType.Nope),
            (3, 1, DecisionType.Like));

        var split = InTimeProtocol.Create(tables)[0];

        Assert.Equal("time 50 %", split.Name);
        Assert.Equal(5, split.Training.Decisions.Count);
        Assert.Equal(Start.AddMinutes(4), split.AsOf);
        Assert.Equal([Viewer(1), Viewer(3)], split.Queries.Select(query => query.History.UserId));
        var known = split.Queries[0];
        Assert.Equal([3, 4], known.Targets.Select(item => Number(split, item)));
        Assert.Equal([2], known.HeldOutNopes.Select(item => Number(split, item))); // 5 came after the last target
        Assert.Equal([1], known.Likes.Select(item => Number(split, item)));
        Assert.Empty(split.Queries[1].Likes); // a query without a history, reported apart
    }

    [Fact]
    public void There_are_five_cuts_and_twenty_targets_at_most()
    {
        var tables = Of([.. Likes(1, [.. Enumerable.Range(1, 60)]), .. Likes(2, [.. Enumerable.Range(1, 60)])]);

        var splits = InTimeProtocol.Create(tables);

        Assert.Equal(["time 50 %", "time 60 %", "time 70 %", "time 80 %", "time 90 %"], splits.Select(split => split.Name));
        Assert.Equal([20, 20, 20, 20, 12], splits.Select(split => Assert.Single(split.Queries).Targets.Length));
    }

    [Fact]
    public void Decisions_of_one_moment_cannot_be_cut()
    {
        var tables = Of([.. Likes(1, 1, 2), .. Likes(2, 1, 2)]);
        tables = tables with { Decisions = [.. tables.Decisions.Select(row => row with { CreatedAt = Start })] };
        Assert.Contains("needs decisions at different times", Assert.Throws<InputException>(() => InTimeProtocol.Create(tables)).Message, StringComparison.Ordinal);
    }
}
