using TwoTower.Core;
using TwoTower.Core.Rows;
using TwoTower.Evaluation.Baselines;
using TwoTower.Evaluation.Models;
using TwoTower.Evaluation.Queries;
using TwoTower.Training.Randomness;
using static TwoTower.Evaluation.Tests.EvaluationWorld;

namespace TwoTower.Evaluation.Tests;

public sealed class BaselineTuningTests
{
    private readonly List<string> _said = [];

    // Four themes; a user likes most of one theme, and here and there something else.
    private static Split World(int users)
    {
        var random = new SeededRandom(4, RandomPurpose.Negatives);
        var decisions = Enumerable.Range(1, users).SelectMany(user => Enumerable.Range(0, 40)
            .Where(video => random.NextDouble() < (video / 10 == user % 4 ? 0.8 : 0.1)).Select(
                video => (user, video + 1, DecisionType.Like))).ToArray();
        var tables = Of(decisions);
        return new("test", tables, tables.Videos, [.. tables.Videos.Select(_ => true)], [], Start);
    }

    private BaselineTuning Tuning(Split split, params string[] given) => new(split, BaselineSettings.Parse(given), _said.Add, default);

    [Fact]
    public void The_best_of_what_is_tried_on_left_out_users_is_chosen_and_said()
    {
        var lambda = Tuning(World(120)).Lambda();

        var said = Assert.Single(_said);
        Assert.StartsWith("ease: λ ", said, StringComparison.Ordinal);
        Assert.Contains("chosen on 24 users of the training by ndcg@100", said, StringComparison.Ordinal);
        var tried = said[(said.IndexOf('(', StringComparison.Ordinal) + 1)..^1].Split(", ").Select(one => one.Split(' ').Select(double.Parse).ToArray()).ToList();
        Assert.Equal(7, tried.Count);
        Assert.Equal(tried.MaxBy(one => one[1])![0], lambda, 1e-3);
        Assert.Equal(lambda, Tuning(World(120)).Lambda());
    }

    [Fact]
    public void Left_out_users_are_in_no_fit_and_their_targets_in_no_history()
    {
        var world = World(120);
        var inner = Tuning(world).Inner(30)!;

        Assert.Equal(30, inner.Items.Count);
        Assert.NotEmpty(inner.Queries);
        var asked = inner.Queries.Select(query => query.History.UserId).ToHashSet();
        Assert.DoesNotContain(inner.Training.Decisions, row => asked.Contains(row.UserId));
        Assert.All(inner.Queries, query => Assert.Empty(query.Likes.Intersect(query.Targets)));
        Assert.All(inner.Queries, query => Assert.All(query.Targets, item =>
            Assert.Contains(world.Training.Decisions, row => row.UserId == query.History.UserId && row.VideoId == inner.Items[item].Id)));
        var counts = inner.Items.Select(video => world.LikeCounts[world.ItemOf[video.Id]]).ToList();
        Assert.True(counts.Min() >= world.LikeCounts.Order().ElementAt(10)); // the most liked
    }

    [Fact]
    public void What_is_given_is_not_tuned()
    {
        Assert.Equal(500, Tuning(World(120), "ease.lambda=500").Lambda());
        var ials = Tuning(World(120), "ials.dim=16", "ials.regularization=0.01", "ials.epochs=3", "ials.unobserved_weight=0.2").Ials(1);
        Assert.Equal((16, 0.01, 3, 0.2), (ials.Dim, ials.Regularization, ials.Epochs, ials.UnobservedWeight));
        Assert.Empty(_said);

        Assert.Equal(16, Tuning(World(120), "ials.dim=16").Ials(1).Dim);
        Assert.StartsWith("ials: regularisation ", Assert.Single(_said), StringComparison.Ordinal);
    }

    [Fact]
    public void Too_few_users_leave_the_defaults()
    {
        Assert.Equal(Ease.DefaultLambda, Tuning(World(10)).Lambda());
        Assert.Equal(new(), Tuning(World(10)).Ials(1));
        Assert.All(_said, line => Assert.Contains("fewer than 20 users", line, StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_a_baseline_was_fitted_with_is_kept_for_the_results()
    {
        var baselines = new BaselineModels(BaselineSettings.Parse(["item-knn.neighbours=7"]), _said.Add);
        var fit = new Fitting(World(60), 1, null, default);
        foreach (var name in new[] { "item-knn", "ease", "ials" }) (await baselines.Named(name).FitAsync(fit)).Dispose();

        Assert.Equal(["item-knn", "ease", "ials"], baselines.Fits.Select(one => one.Baseline));
        Assert.Equal(7, baselines.Fits[0].Settings["item-knn.neighbours"]);
        Assert.Equal(["ials.dim", "ials.epochs", "ials.regularization", "ials.unobserved_weight"], baselines.Fits[2].Settings.Keys.Order());
    }

    [Theory]
    [InlineData("ease.lamda=5", "there is no 'ease.lamda'; write one of ease.lambda")]
    [InlineData("ease.lambda", "ease.lambda must be a number between 1E-06 and 1000000000")]
    [InlineData("ease.lambda=-1", "ease.lambda must be a number between")]
    [InlineData("ease.lambda=NaN", "ease.lambda must be a number between")]
    [InlineData("ials.dim=2.5", "ials.dim must be a whole number between 2 and 1024")]
    [InlineData("=3", "there is no ''")]
    public void A_setting_that_makes_no_sense_is_refused_with_what_is_allowed(string text, string reason) =>
        Assert.Contains(reason, Assert.Throws<InputException>(() => BaselineSettings.Parse([text])).Message, StringComparison.Ordinal);
}
