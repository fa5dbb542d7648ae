using TwoTower.Core.Rows;
using TwoTower.Testing;
using TwoTower.Training.Histories;

namespace TwoTower.Training.Tests.Histories;

public class TrendTests
{
    private static readonly DateTimeOffset Start = new(2025, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly Guid[] Viewers = [.. Enumerable.Range(0, 4).Select(_ => Guid.NewGuid())];
    private static readonly VideoRow[] Videos = [.. Enumerable.Range(0, 3).Select(_ => new VideoRow { Id = Guid.NewGuid() })];

    // Everybody liked the first video 200 days before the others.
    private static readonly TableSet Tables = new(
        [.. Viewers.Select(id => new ProfileRow(id, "viewer", Start))],
        Videos,
        [.. Viewers.SelectMany(
            id => Videos.Select(
                (video, number) => new DecisionRow(id, video.Id, DecisionType.Like, number == 0 ? Start : Start.AddDays(200))))]);

    [Fact]
    public void What_is_liked_of_late_gets_more_and_what_was_liked_once_gets_less()
    {
        var data = Interactions.Read(Tables, 10, TimeSpan.FromDays(100));

        // 4 · e^−2 likes, and 4: in all 8.5413 of 12, so 2.8471 of 4 are expected; 1 more on both sides.
        Close.Equal(0.5413, data.RecentLikes[0], "recent likes of the first", 1e-3);
        var bias = ClosedFormModel.Bias(data, new() { TrendWeight = 2, PopularityDiscount = 0 });
        Close.Equal(2 * Math.Log(1.5413 / 3.8471), bias[0], "first", 1e-3);
        Close.Equal(2 * Math.Log(5 / 3.8471), bias[1], "second", 1e-3);
        Close.Equal(2 * Math.Log(5 / 3.8471), bias[2], "third", 1e-3);
    }

    [Fact]
    public void Without_its_weight_times_say_nothing() =>
        Assert.All(
            ClosedFormModel.Bias(Interactions.Read(Tables, 10, TimeSpan.FromDays(100)), new() { TrendWeight = 0, PopularityDiscount = 3 }),
            bias => Assert.Equal(0, bias));
}
