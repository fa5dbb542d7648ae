using TwoTower.Core;
using TwoTower.Evaluation.Tuning;

namespace TwoTower.Evaluation.Tests.Tuning;

public class GoalTests
{
    [Fact]
    public void The_best_trial_is_the_best_of_those_that_fulfil_every_requirement()
    {
        var goal = Goal.Parse("recall@20", ["uauc>=0.81", "nope@20<=0.007"]);
        Trial[] trials =
        [
            Of(0, recall: 0.30, uauc: 0.81, nope: 0.007), // the bounds themselves are within
            Of(1, recall: 0.40, uauc: 0.80, nope: 0.007), // misses by 1/81
            Of(2, recall: 0.35, uauc: 0.82, nope: 0.006),
            Of(3, recall: 0.50, uauc: 0.82, nope: 0.010), // misses by 3/7
            Of(4, recall: 0.20, uauc: 0.90, nope: 0.001),
            new(5, [], [42], new Dictionary<string, double>(), 1, default, "it diverged"),
        ];

        Assert.Equal([2, 0, 4, 1, 3, 5], goal.BestFirst(trials).Select(trial => trial.Number));
        Assert.Equal([0, 2, 4], trials.Where(goal.IsMetBy).Select(trial => trial.Number));
    }

    [Fact]
    public void Several_metrics_add_up_and_those_where_less_is_better_are_taken_off()
    {
        var goal = Goal.Parse("recall_20, 2*NDCG@100, 10*nope@20", []);

        Assert.Equal(0.3 + 2 * 0.4 - 10 * 0.006, goal.Of(Of(0, recall: 0.3, uauc: 0.8, nope: 0.006))!.Value, 12);
        Assert.Equal("recall@20,2*ndcg@100,10*nope@20", goal.Objective);
    }

    [Fact]
    public void Equal_trials_stand_in_the_order_in_which_they_were_made()
    {
        var goal = Goal.Parse("recall@20", []);

        Assert.Equal([0, 1], goal.BestFirst([Of(1, 0.3, 0.8, 0), Of(0, 0.3, 0.8, 0)]).Select(trial => trial.Number));
    }

    [Theory]
    [InlineData("recall@21", "", "--objective recall@21: there is no metric 'recall@21'; known are recall@20, recall@50, ndcg@100, uAUC, nope@20, coverage@20")]
    [InlineData("recall@20,", "", "there is no metric ''")]
    [InlineData("-1*recall@20", "", "'-1' is no weight")]
    [InlineData("novelty", "", "novelty is neither good nor bad by itself; bound it with --require 'novelty<=…' instead")]
    [InlineData("recall@20", "uauc>0.8", "--require uauc>0.8 is no bound of a metric: write it like 'uauc>=0.81' or 'nope@20<=0.007'")]
    [InlineData("recall@20", "uauc>=high", "--require uauc>=high is no bound")]
    [InlineData("recall@20", "auc>=0.8", "--require auc>=0.8: there is no metric 'auc'")]
    public void A_goal_that_makes_no_sense_is_refused_with_what_does(string objective, string requirement, string reason)
    {
        var error = Assert.Throws<InputException>(() => Goal.Parse(objective, requirement.Length == 0 ? [] : [requirement]));

        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_metric_that_these_rows_dont_have_is_refused()
    {
        var goal = Goal.Parse("recall@20", ["uauc>=0.8", "fit_seconds<=600"]);
        var trial = Of(0, 0.3, 0.8, 0) with { Metrics = new Dictionary<string, double> { ["recall_20"] = 0.3, ["fit_seconds"] = 20 } };

        Assert.Contains("uAUC can't be measured with these rows", Assert.Throws<InputException>(() => goal.Check(trial)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(new double[] { }, 0, null)] // the first always begins
    [InlineData(new double[] { }, 500, null)]
    [InlineData(new double[] { 40 }, 0, null)] // 40 + 40 is within 100
    [InlineData(new double[] { 40, 20 }, 0, null)] // 60 + 30 too
    [InlineData(new double[] { 40, 20, 30 }, 0, "budget")] // 90 + 30 isn't
    [InlineData(new double[] { 40, 20 }, 10, null)] // 70 + 30: what was interrupted counts, and makes the mean no longer
    [InlineData(new double[] { 40, 20 }, 11, "budget")]
    [InlineData(new double[] { 1, 1, 1, 1 }, 0, "trials")]
    public void No_trial_begins_that_would_go_over_the_budget(double[] seconds, double interrupted, string? ended)
    {
        var trials = seconds.Select((time, number) => Of(number, 0.3, 0.8, 0) with { Seconds = time }).ToList();

        Assert.Equal(ended, new Budget(4, TimeSpan.FromSeconds(100)).Ends(trials, TimeSpan.FromSeconds(interrupted)));
    }

    private static Trial Of(int number, double recall, double uauc, double nope) => new(
        number, [], [42], new Dictionary<string, double> { ["recall_20"] = recall, ["ndcg_100"] = 0.4, ["uauc"] = uauc, ["nope_20"] = nope }, 1, default);
}
