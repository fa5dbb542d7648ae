using TwoTower.Postgres.Experiments.Comparison;

namespace TwoTower.Postgres.Tests.Experiments.Comparison;

/// <summary>The numbers of a comparison against those worked out by hand, and its intervals against worlds whose truth is known.</summary>
public class ComparisonNumbersTests
{
    private static Guid User(int n) => new($"00000000-0000-0000-0000-{n:x12}");

    private static UserOutcome Outcome(
        int user, int recommendations, int likes, int nopes = 0, int answers = 1, int empty = 0, params int[] viewers) =>
        new(User(user), recommendations, answers, empty, likes, nopes, viewers);

    [Fact]
    public void Likes_per_recommendation_and_their_interval_are_those_worked_out_by_hand()
    {
        // R = (2 + 1 + 0) / (10 + 10 + 20) = 0.075. y − R·x: 1.25, 0.25, −1.5; their squares sum to 3.875.
        // Variance: 3/2 · 3.875 / 40² = 0.0036328125, its root 0.0602728.
        List<UserOutcome> users = [Outcome(1, 10, 2), Outcome(2, 10, 1), Outcome(3, 20, 0)];
        var likes = ClusteredEstimate.Ratio(users, user => user.Likes, user => user.Recommendations)!.Interval;
        Assert.Equal(0.075, likes.Value, 12);
        Assert.Equal(0.0036328125, likes.StandardError!.Value * likes.StandardError.Value, 12);
        Assert.Equal(0.075 - 1.959963984540054 * 0.060272817, likes.Lower!.Value, 8);
        Assert.Equal(0.075 + 1.959963984540054 * 0.060272817, likes.Upper!.Value, 8);
    }

    [Fact]
    public void The_difference_of_two_groups_adds_their_variances_and_of_the_same_users_takes_what_they_share_away()
    {
        List<UserOutcome> a = [Outcome(1, 10, 2), Outcome(2, 10, 1), Outcome(3, 20, 0)];
        List<UserOutcome> others = [Outcome(4, 10, 4), Outcome(5, 10, 2)];
        var left = ClusteredEstimate.Ratio(a, user => user.Likes, user => user.Recommendations);
        // R = 6 / 20 = 0.3; y − R·x: 1, −1; variance 2/1 · 2 / 20² = 0.01.
        var difference =
            ClusteredEstimate.Difference(left, ClusteredEstimate.Ratio(others, user => user.Likes, user => user.Recommendations))!;
        Assert.Equal(0.225, difference.Value, 12);
        Assert.Equal(0.0136328125, difference.StandardError!.Value * difference.StandardError.Value, 12);

        // Each user likes one in ten more of the other: every one has the same difference, so it is certain.
        List<UserOutcome> again = [Outcome(1, 10, 3), Outcome(2, 10, 2), Outcome(3, 20, 2)];
        var paired = ClusteredEstimate.Difference(left, ClusteredEstimate.Ratio(again, user => user.Likes, user => user.Recommendations))!;
        Assert.Equal(0.1, paired.Value, 12);
        Assert.Equal(0, paired.StandardError!.Value, 7);
    }

    [Fact]
    public void Coverage_is_what_as_many_users_as_the_smaller_group_has_are_shown_on_average()
    {
        // Users 1, 2, 3 are shown {p, q}, {p, r}, {p, s}: one alone sees 2 videos, two 3, three 4, of 10.
        List<UserOutcome> users = [Outcome(1, 2, 0, viewers: [1, 3]), Outcome(2, 2, 0, viewers: [1, 3]), Outcome(3, 2, 0, viewers: [1, 3])];
        Assert.Equal([0.2, 0.3, 0.4], new[] { 1, 2, 3 }.Select(n => Math.Round(Coverage.Of(users, n, 10)!.Value, 12)));
        Assert.Equal(0, Coverage.Of(users, 3, 10)!.Interval.StandardError!.Value, 12);

        // {p, q}, {p}, {p, r, s}: without each of them 3, 4, 2 videos are left, mean 3; jackknife variance 2/3 · (0 + 1 + 1) / 10².
        users = [Outcome(1, 2, 0, viewers: [3, 1]), Outcome(2, 1, 0, viewers: [3]), Outcome(3, 3, 0, viewers: [3, 1, 1])];
        var coverage = Coverage.Of(users, 3, 10)!.Interval;
        Assert.Equal(0.4, coverage.Value, 12);
        Assert.Equal(4.0 / 3 / 100, coverage.StandardError!.Value * coverage.StandardError.Value, 12);
    }

    [Fact]
    public void Two_groups_have_the_four_numbers_and_a_group_of_nobody_has_none()
    {
        List<UserOutcome> a =
            [Outcome(1, 10, 2, nopes: 4, answers: 2, empty: 1, viewers: [2, 1]),
                Outcome(2, 10, 0, nopes: 1, answers: 2, empty: 0, viewers: [2])];
        List<UserOutcome> b = [Outcome(3, 5, 1, nopes: 0, answers: 1, empty: 0, viewers: [1, 1, 1])];
        var metrics = ReleaseComparer.Metrics(a, b, catalogue: 10);
        Assert.Equal(["likes_per_recommendation", "nopes_per_recommendation", "coverage", "empty_answers"], metrics.Select(metric => metric.Name));
        Assert.Equal([0.1, 0.25, 0.15, 0.25], metrics.Select(metric => Math.Round(metric.A!.Value, 12)));
        Assert.Equal([0.2, 0, 0.3, 0], metrics.Select(metric => Math.Round(metric.B!.Value, 12)));
        Assert.All(metrics, metric => Assert.Null(metric.Difference!.Lower)); // one user alone has no interval

        metrics = ReleaseComparer.Metrics(a, [], catalogue: 10);
        Assert.All(metrics, metric => Assert.True(metric is { A: not null, B: null, Difference: null }));
    }

    [Fact]
    public void In_95_of_100_worlds_the_intervals_hold_the_truth()
    {
        // A user's taste and diligence vary much, and with each other: answers taken for independent trials would give intervals that are
        // far too narrow. The truth is the ratio of the means.
        const int Worlds = 600, Users = 250;
        var random = new Random(17);
        var (ratio, difference, naive) = (0, 0, 0);
        for (var world = 0; world < Worlds; world++)
        {
            var (a, b) = (Group(random, 0, Users, lift: 0), Group(random, Users, Users, lift: 0.02));
            var likes = ReleaseComparer.Metrics(a, b, catalogue: 1_000)[0];
            if (Holds(likes.A!, Truth(0))) ratio++;
            if (Holds(likes.Difference!, Truth(0.02) - Truth(0))) difference++;
            var (p, n) = (likes.A!.Value, a.Sum(user => user.Recommendations));
            if (Math.Abs(p - Truth(0)) <= 1.96 * Math.Sqrt(p * (1 - p) / n)) naive++;
        }

        Assert.InRange(ratio / (double)Worlds, 0.92, 0.98);
        Assert.InRange(difference / (double)Worlds, 0.92, 0.98);
        Assert.True(naive < 0.8 * Worlds, $"{naive} of {Worlds}: this world doesn't tell the estimators apart");

        // Half of the users are diligent (30 videos, like .1 of them), half are not (5 videos, like .3); each is off by .1.
        static double Truth(double lift) => (30 * (0.1 + lift) + 5 * (0.3 + lift)) / 35;

        static List<UserOutcome> Group(Random random, int from, int count, double lift) => [.. Enumerable.Range(from, count).Select(n =>
        {
            var diligent = random.Next(2) == 0;
            var (shown, rate) = diligent ? (30, 0.1) : (5, 0.3);
            rate += lift + (random.Next(2) == 0 ? 0.1 : -0.1);
            return Outcome(n, shown, Enumerable.Range(0, shown).Count(_ => random.NextDouble() < rate));
        })];
    }

    [Fact]
    public void The_interval_of_coverage_holds_what_the_users_there_are_would_be_shown_on_average()
    {
        // 300 videos, the k-th shown with a chance of 1 / (1 + k / 20) to each user; what 80 users are shown on average is known.
        const int Worlds = 300, Users = 80, Videos = 300;
        double Chance(int video) => 1 / (1 + video / 20.0) * 0.2;
        var truth = Enumerable.Range(0, Videos).Sum(video => 1 - Math.Pow(1 - Chance(video), Users)) / Videos;
        var random = new Random(3);
        var (held, sum) = (0, 0.0);
        for (var world = 0; world < Worlds; world++)
        {
            var seen =
                Enumerable.Range(0, Users * 2).Select(
                    _ => Enumerable.Range(0, Videos).Where(video => random.NextDouble() < Chance(video)).ToList()).ToList();
            var viewers = seen.SelectMany(videos => videos).CountBy(video => video).ToDictionary();
            // Twice as many users as are asked about.
            List<UserOutcome> users =
                [.. seen.Select((videos, n) => Outcome(n, videos.Count, 0, viewers: [.. videos.Select(video => viewers[video])]))];
            var coverage = Coverage.Of(users, Users, Videos)!.Interval;
            sum += coverage.Value;
            if (Holds(coverage, truth)) held++;
        }

        Assert.Equal(truth, sum / Worlds, tolerance: 0.003);
        Assert.True(held >= 0.92 * Worlds, $"{held} of {Worlds}");
    }

    private static bool Holds(Interval interval, double truth) => interval.Lower <= truth && truth <= interval.Upper;
}
