using TwoTower.Postgres.Experiments.Rollback;

namespace TwoTower.Postgres.Tests.Experiments.Rollback;

/// <summary>When a release is left again, and when chance or a margin explains what is seen.</summary>
public class RollbackRuleTests
{
    private static readonly RollbackOptions Options = new();

    [Fact]
    public void The_defaults_are_those_that_the_document_promises() => Assert.Equal(
        (true, TimeSpan.FromHours(2), TimeSpan.FromDays(1), 200L, 20, 0.02, 0.05, 0.3, 100, 3.0),
        (Options.Enabled, Options.Window, Options.Baseline, Options.MinRequests, Options.MinFailedUsers, Options.ErrorMargin,
            Options.EmptyMargin, Options.LikesMargin, Options.MinUsers, Options.StandardErrors));

    [Theory]
    [InlineData(150, 0, 100, 0, null)]              // too few requests to say
    [InlineData(0, 200, 1000, 0, "errors")]          // all of them fail
    [InlineData(180, 20, 1000, 0, "errors")]         // .1 against 0: .1 > .02 + 3 · √(.09 / 200) = .0836
    [InlineData(185, 15, 1000, 0, null)]             // .075 against 0: allowed are .02 + 3 · √(.069375 / 200) = .0759
    [InlineData(180, 20, 0, 0, "errors")]            // nothing is known of the one before: it never failed
    [InlineData(900, 100, 900, 100, null)]           // as bad as before
    [InlineData(900, 100, 9900, 100, "errors")]      // .1 against .01
    public void Errors(long answers, long failed, long answersBefore, long failedBefore, string? rule) =>
        Assert.Equal(rule, RollbackRule.Judge(Failed(answers, failed), Failed(answersBefore, failedBefore), Options)?.Rule);

    [Theory]
    [InlineData(1000, 200, 1000, 10, "empty_answers")] // .2 against .01
    [InlineData(1000, 60, 1000, 10, null)]             // .06 against .01: within the margin
    [InlineData(1000, 80, 1000, 10, null)]             // .07 more, and .05 + 3 · .0091 = .077 is allowed
    [InlineData(1000, 200, 0, 0, null)]                // nothing to compare with
    [InlineData(100, 100, 1000, 0, null)]              // too few
    public void Empty_answers(long answers, long empty, long answersBefore, long emptyBefore, string? rule) =>
        Assert.Equal(rule, RollbackRule.Judge(Empty(answers, empty), Empty(answersBefore, emptyBefore), Options)?.Rule);

    [Theory]
    [InlineData(19, null)]
    [InlineData(20, "errors")]
    public void Failures_of_fewer_users_than_the_least_are_nobodys_reason(int users, string? rule) =>
        Assert.Equal(rule, RollbackRule.Judge(Failed(0, 1_000) with { FailedUsers = users }, Failed(1_000, 0), Options)?.Rule);

    [Theory]
    [InlineData(19, null)]
    [InlineData(20, "empty_answers")]
    public void Empty_answers_of_fewer_users_than_the_least_are_nobodys_reason(int users, string? rule) =>
        Assert.Equal(rule, RollbackRule.Judge(Empty(1_000, 1_000) with { EmptyUsers = users }, Empty(1_000, 0), Options)?.Rule);

    private static JudgedOutcomes Failed(long answers, long failed) =>
        new(answers + failed, answers, 0, failed, FailedUsers: Math.Max(failed, 20));

    private static JudgedOutcomes Empty(long answers, long empty) => new(answers, answers, empty, 0, EmptyUsers: Math.Max(empty, 20));

    [Fact]
    public void The_reason_says_the_numbers()
    {
        Assert.Equal(
            "30.0% of 1,000 requests failed because of the release, for 300 users; 0.1% of 10,000 before",
            RollbackRule.Judge(Failed(700, 300), Failed(9_990, 10), Options)!.ToString());
        Assert.Equal(
            "20.0% of 1,000 answers had no video though there are some, for 200 users; 1.0% of 2,000 before",
            RollbackRule.Judge(Empty(1_000, 200), Empty(2_000, 20), Options)!.ToString());
        Assert.Equal(
            "0.0250 likes per recommendation over 4,000, of 200 users; 0.1000 over 4,000 before",
            RollbackRule.Judge(Users(1, 200, 0.025), Users(2, 200, 0.1), Options)!.ToString());
    }

    [Theory]
    [InlineData(200, 0.025, 0.1, "likes_per_recommendation")]
    [InlineData(200, 0.075, 0.1, null)]  // a quarter fewer: within the margin of three tenths
    [InlineData(200, 0.2, 0.1, null)]    // better
    [InlineData(50, 0.025, 0.1, null)]    // too few users
    public void Likes(int users, double rate, double before, string? rule) =>
        Assert.Equal(rule, RollbackRule.Judge(Users(1, users, rate), Users(2, 200, before), Options)?.Rule);

    [Fact]
    public void Likes_that_chance_explains_keep_the_release()
    {
        // Half as many as before, over users who differ so much that it may be chance.
        List<LikingUser> Wild(int group, int likers) =>
            [.. Enumerable.Range(0, 120).Select(n => new LikingUser(Id(group, n), 1, n < likers ? 1 : 0, 20))];
        Assert.Null(RollbackRule.Judge(Wild(1, 3), Wild(2, 6), Options));
        Assert.NotNull(RollbackRule.Judge(Wild(1, 3), Wild(2, 60), Options));
    }

    [Fact]
    public void The_young_say_as_much_as_they_weigh()
    {
        // A day old, of seven: 300 of them are less than one.
        List<LikingUser> before = Users(2, 200, 0.1), now = [.. Users(1, 200, 0.1), .. Users(3, 300, 0, weight: 1 / 343.0)];
        Assert.Null(RollbackRule.Judge(now, before, Options));

        // Alone they are judged by: all of them are as young. Beside three others, those would be the ones.
        Assert.NotNull(RollbackRule.Judge(Users(3, 300, 0.025, weight: 1 / 343.0), before, Options));
        Assert.Null(RollbackRule.Judge([.. Users(1, 3, 0), .. Users(3, 300, 0.025, weight: 1 / 343.0)], before, Options));
    }

    [Fact]
    public void A_good_release_is_hardly_ever_left_by_chance()
    {
        var (random, lost) = (new Random(5), 0);
        for (var i = 0; i < 2_000; i++)
        {
            JudgedOutcomes Draw(int requests)
            {
                var failed = Enumerable.Range(0, requests).Count(_ => random.NextDouble() < 0.01);
                return Failed(requests - failed, failed);
            }

            if (RollbackRule.Judge(Draw(250), Draw(1_000), Options) is not null) lost++;
        }

        Assert.InRange(lost, 0, 4);
    }

    private static Guid Id(int group, int n) => new($"00000000-0000-0000-{group:x4}-{n:x12}");

    /// <summary>Users of 20 recommendations each; every second one likes twice the rate of them, the others none.</summary>
    private static List<LikingUser> Users(int group, int count, double rate, double weight = 1) =>
        [.. Enumerable.Range(0, count).Select(n => new LikingUser(Id(group, n), weight, rate * 2 * (n % 2), 20))];
}
