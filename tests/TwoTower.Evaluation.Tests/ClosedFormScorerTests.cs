using TwoTower.Core.Configuration;
using TwoTower.Core.Rows;
using TwoTower.Evaluation.Models;
using TwoTower.Evaluation.Queries;
using static TwoTower.Evaluation.Tests.EvaluationWorld;

namespace TwoTower.Evaluation.Tests;

public sealed class ClosedFormScorerTests
{
    [Fact]
    public async Task What_the_towers_learn_from_is_asked_stage_by_stage_and_videos_without_a_vector_come_last()
    {
        // Two themes of ten videos, and one video that few like: there is room for twenty.
        var tables = Of([
            .. Enumerable.Range(1, 60).SelectMany(
                user => Enumerable.Range(1, 20).Where(video => video % 2 == user % 2 && (video + user) % 5 != 0).Select(
                    video => (user, video, DecisionType.Like))),
            (1, 21, DecisionType.Like),
        ]);
        var split = new Split("test", tables, tables.Videos, [.. tables.Videos.Select(_ => true)], [], Start);
        var recipe = new Recipe
        {
            Name = "small",
            Kind = RecipeKind.History,
            Samples = new() { HeldOutUsers = 0 },
            History =
                new()
                {
                    MaxItems = 20,
                    Factors = 8,
                    TasteFactors = 4,
                    Ridge = 5,
                    ContentWeight = 0,
                    PopularityDiscount = 0,
                    TrendWeight = 0,
                    Sweeps = 3
                },
        };

        var stages = ClosedFormScorer.Models(recipe, Training.TrainingDevice.Cpu, 1, _ => { });

        Assert.Equal(["small closed form", "small cut", "small linear part"], stages.Select(stage => stage.Name));
        var rare = split.ItemOf[Video(21)];
        int[] liked = [split.ItemOf[Video(2)], split.ItemOf[Video(4)], rare];
        var answers = new List<float[]>();
        foreach (var stage in stages)
        {
            using var scorer = await stage.FitAsync(new(split, 1, null, default));
            var scores = new float[split.Items.Count];
            scorer.Score(new(new(Viewer(1), new(null), []), liked, [], [], []), scores);
            Assert.Equal(rare, Array.IndexOf(scores, scores.Min()));
            var even = Enumerable.Range(3, 8).Select(n => scores[split.ItemOf[Video(2 * n)]]).Min();
            var odd = Enumerable.Range(0, 10).Select(n => scores[split.ItemOf[Video(2 * n + 1)]]).Max();
            Assert.True(even > odd, $"{stage.Name}: {even} {odd}");
            answers.Add(scores);
        }

        // Nothing is lost by a cut to as many dimensions as there are videos; the linear part is another model.
        var whole = Enumerable.Range(0, split.Items.Count).Where(item => item != rare);
        Assert.All(whole, item => Assert.Equal(answers[0][item], answers[1][item], 1e-3f));
        Assert.Contains(whole, item => Math.Abs(answers[1][item] - answers[2][item]) > 1e-3f);
    }
}
