using System.Numerics.Tensors;
using TwoTower.Core;
using TwoTower.Core.Configuration;
using TwoTower.Datasets.Generation;
using TwoTower.Training.Histories;
using TwoTower.Training.Randomness;
using TwoTower.Training.Tests.Loop;
using static TorchSharp.torch;

namespace TwoTower.Training.Tests.Histories;

[Collection(nameof(Torch))]
public sealed class LessonsTests
{
    private const int Rank = 12;

    private static readonly ParallelOptions Parallel = new() { MaxDegreeOfParallelism = 2 };
    private static readonly HistoryOptions Options = new() { Factors = 16, Sweeps = 3, TasteFactors = 8, Copies = 3 };
    private static readonly Interactions Data = Interactions.Read(
        CatalogueGenerator.Generate(new() { Videos = 500, Users = 150, Seed = 5, Anchor = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero) }),
        Options.MaxItems, TimeSpan.FromDays(Options.TrendDays));

    [Fact]
    public void A_mixed_history_has_parts_of_both_and_the_users_own_decision_where_both_have_one()
    {
        (int[] Likes, int[] Nopes) user = ([.. Enumerable.Range(0, 40)], [.. Enumerable.Range(40, 40)]),
        other = ([.. Enumerable.Range(40, 80)], [.. Enumerable.Range(0, 40)]);
        var random = new SeededRandom(1, RandomPurpose.Histories);
        var (fromOther, least, most) = (0, int.MaxValue, 0);
        for (var draw = 0; draw < 200; draw++)
        {
            var (likes, nopes) = DistillationTargets.Mix(user, other, random);
            Assert.Equal(likes.Order().Distinct(), likes);
            Assert.Equal(nopes.Order().Distinct(), nopes);
            Assert.Empty(likes.Intersect(nopes));
            Assert.DoesNotContain(likes, item => item is >= 40 and < 80); // the nopes are the other's likes
            Assert.DoesNotContain(nopes, item => item < 40);
            var own = likes.Count(item => item < 40) + nopes.Count(item => item is >= 40 and < 80);
            (least, most) = (Math.Min(least, own), Math.Max(most, own));
            fromOther += likes.Count(item => item >= 80);
        }

        Assert.InRange(least, 12, 40); // of 80, three tenths and up
        Assert.InRange(most, 70, 80);
        Assert.InRange(fromOther / 200.0 / 40, 0.3, 0.4); // a tenth to six tenths
    }

    [Fact]
    public void A_mixture_that_says_too_little_is_the_whole_history()
    {
        (int[] Likes, int[] Nopes) user = ([3, 5, 8], [1]);
        var random = new SeededRandom(2, RandomPurpose.Histories);
        for (var draw = 0; draw < 50; draw++) Assert.True(DistillationTargets.Mix(user, ([], [9]), random).Likes.Length >= 3);
    }

    [Fact]
    public void More_lessons_than_an_array_holds_are_refused_by_their_keys()
    {
        DistillationTargets.Check(Options, 20_000, 511);
        var error =
            Assert.Throws<InputException>(() => DistillationTargets.Check(Options with { Copies = 100, MaxUsers = 15_000 }, 20_000, 511));
        Assert.StartsWith("history.copies 100 × 15,000 users (history.max_users 15000) × 511 dimensions", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Projecting_scores_and_multiplying_back_gives_the_user_vector_again()
    {
        var distillation = Prepare(1.0);
        using var scope = NewDisposeScope();
        var (items, projection) = (Matrix(distillation.Items), Matrix(distillation.Projection));
        Assert.True(projection.t().matmul(items).allclose(eye(Rank), 1e-3, 1e-3));
        Assert.Equal(distillation.Histories.Length * Rank, distillation.Targets.Length);
    }

    [Fact]
    public void An_item_can_have_nearly_the_same_score_for_everybody()
    {
        var distillation = Prepare(0.5);
        var item = distillation.Everybody(-2, CPU);
        double[] scores =
            [.. Enumerable.Range(0, distillation.Histories.Length).Select(
                user => (double)TensorPrimitives.Dot<float>(item, distillation.Targets.AsSpan(user * Rank, Rank)))];
        Assert.InRange(scores.Average(), -2.2, -1.8);
        Assert.InRange(Math.Sqrt(scores.Average(score => Math.Pow(score + 2, 2))), 0, 0.5);
    }

    [Fact]
    public void A_head_weight_keeps_the_scores_of_what_is_often_shown()
    {
        using var scope = NewDisposeScope();
        var closedForm = FitTeacher();
        (int[] Likes, int[] Nopes)[] users = [.. Data.Users.Where(user => Interactions.IsUsable(user.Likes))];
        var values = new float[users.Length * closedForm.Items];
        closedForm.Score(users, values, Parallel);
        var scores = tensor(values, [users.Length, closedForm.Items]);
        var shown = bincount(scores.topk(100).indexes.flatten(), minlength: closedForm.Items).topk(40).indexes;
        var (alike, weighted) = (Error(Prepare(0.0)), Error(Prepare(1.0)));
        Assert.True(weighted < 0.95 * alike, $"{weighted} is not under {alike}");

        // Mean squared, of the forty videos that are shown most.
        double Error(DistillationTargets distillation) =>
            (scores - scores.matmul(Matrix(distillation.Projection)).matmul(Matrix(distillation.Items).t())).index_select(
                1, shown).square().mean().item<float>();
    }

    [Fact]
    public void The_same_seed_gives_the_same_lessons()
    {
        var (one, other) = (Prepare(0.5), Prepare(0.5));
        Assert.Equal(one.Targets, other.Targets);
        Assert.Equal(one.Items, other.Items);
        Assert.Equal(one.Histories.SelectMany(history => history.Likes), other.Histories.SelectMany(history => history.Likes));
    }

    private static TorchSharp.torch.Tensor Matrix(float[] values) => tensor(values, [values.Length / Rank, Rank]);

    private static ClosedFormModel FitTeacher() => ClosedFormModel.Fit(Data, Options, 3, CPU, 2, null, default);

    private static DistillationTargets Prepare(double headWeight) =>
        DistillationTargets.Prepare(FitTeacher(), Data, Rank, Options with { HeadWeight = headWeight }, 3, CPU, Parallel);
}
