using TwoTower.Core.Configuration;
using TwoTower.Core.Features;
using TwoTower.Core.Rows;
using TwoTower.Testing;

namespace TwoTower.Core.Tests.Features;

/// <summary>How much of a history counts (recipe key features.max_decisions).</summary>
public sealed class LatestDecisionsTests
{
    private static readonly DateTimeOffset Noon = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void The_latest_before_a_moment_count_and_of_one_moment_those_with_the_least_id_likes_first()
    {
        HistoryEntry Entry(int video, DecisionType type, int hours) => new(Id(video), type, Noon.AddHours(hours), null, [], []);
        var history = new UserHistory(Id(99), new(null),
        [
            Entry(1, DecisionType.Like, -5), Entry(9, DecisionType.Like, -1), Entry(2, DecisionType.Nope, -1),
            Entry(2, DecisionType.Like, -1),
            Entry(3, DecisionType.Like, 1), Entry(4, DecisionType.Nope, -2),
        ]);
        Assert.Same(history, history.Latest(Noon, 5));
        Assert.Equal([(2, DecisionType.Like), (2, DecisionType.Nope), (9, DecisionType.Like)], Shown(history.Latest(Noon, 3)));
        Assert.Equal([(2, DecisionType.Like)], Shown(history.Latest(Noon, 1)));
        Assert.Equal(
            (2, 2), (
                PayloadBuilder.BuildUser(history.Latest(Noon, 4), Noon).DecisionStats.LikeCount,
                PayloadBuilder.BuildUser(history.Latest(Noon, 4), Noon).DecisionStats.NopeCount));
    }

    [Fact]
    public void A_training_reads_of_each_user_what_a_request_would()
    {
        var tables = Golden.Tables;
        Assert.Same(tables, tables.WithLatestDecisions(FeatureOptions.DefaultMaxDecisions));
        var cut = tables.WithLatestDecisions(3);
        Assert.All(cut.Decisions.CountBy(decision => decision.UserId), user => Assert.InRange(user.Value, 1, 3));
        Assert.Equal(tables.Decisions.Where(cut.Decisions.Contains), cut.Decisions); // their order stays
        var (left, right) = (PayloadBuilder.BuildUsers(tables, Golden.AsOf, 3), PayloadBuilder.BuildUsers(cut, Golden.AsOf, 3));
        var latest = tables.Decisions.Where(decision => decision.CreatedAt > Golden.AsOf).Select(decision => decision.UserId).ToHashSet();
        foreach (var (a, b) in left.Zip(right).Where(pair => !latest.Contains(pair.First.UserId))) PayloadAssert.Equal(a, b);
    }

    [Fact]
    public void A_recipe_says_it_and_is_what_it_was_where_it_does_not()
    {
        var recipe = RecipeReader.Read("v3", ["features.max_decisions=200"], new Dictionary<string, string>());
        Assert.Equal(200, recipe.Features.MaxDecisions);
        Assert.Contains("\"max_decisions\": 200", RecipeReader.ToJson(recipe), StringComparison.Ordinal);
        Assert.Equal(200, RecipeReader.Stored(RecipeReader.ToJson(recipe), "config").Features.MaxDecisions);
        Assert.Equal("200", RecipeReader.ValueOf(recipe, "features.max_decisions")!.ToJsonString());

        var plain = RecipeReader.Read("v3", [], new Dictionary<string, string>());
        Assert.DoesNotContain("max_decisions", RecipeReader.ToJson(plain), StringComparison.Ordinal);
        Assert.Equal(5_000, RecipeReader.Stored(RecipeReader.ToJson(plain), "config").Features.MaxDecisions);
        Assert.Equal("5000", RecipeReader.ValueOf(plain, "features.max_decisions")!.ToJsonString());
        Assert.Contains(
            "max_decisions", Assert.Throws<InputException>(() => RecipeReader.Read("v3", ["features.max_decisions=0"], new Dictionary<string, string>())).Message, StringComparison.Ordinal);
    }

    private static Guid Id(int n) => new($"00000000-0000-0000-0000-{n:x12}");

    private static IEnumerable<(int, DecisionType)> Shown(UserHistory history) =>
        history.Entries.Select(entry => (Convert.ToInt32(entry.VideoId.ToString("N")[24..], 16), entry.Type));
}
