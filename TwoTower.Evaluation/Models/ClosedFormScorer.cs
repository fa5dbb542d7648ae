using TwoTower.Core.Configuration;
using TwoTower.Evaluation.Queries;
using TwoTower.Training;
using TwoTower.Training.Histories;

namespace TwoTower.Evaluation.Models;

/// <summary>
/// What the towers of a history recipe learn from, asked as it is: the differences between the stages, and to the recipe, are what the
/// towers lose. A video without a vector of its own comes after all others.
/// </summary>
internal sealed class ClosedFormScorer : IScorer
{
    private static readonly (TowerStage Stage, string Name)[] Stages =
        [(TowerStage.ClosedForm, "closed form"), (TowerStage.Cut, "cut"), (TowerStage.LinearPart, "linear part")];

    private readonly TowerLessons _lessons;
    private readonly TowerStage _stage;
    private readonly int[] _own; // [the model's items] its place among the split's
    private readonly Dictionary<int, int> _itemOf;
    private readonly float[] _scores;

    private ClosedFormScorer(TowerLessons lessons, TowerStage stage, int[] own) =>
        (_lessons, _stage, _own, _itemOf, _scores) =
            (lessons, stage, own, own.Select((item, place) => (item, place)).ToDictionary(pair => pair.item, pair => pair.place),
                new float[own.Length]);

    /// <summary>The stages of a recipe as models, which are fitted once together.</summary>
    public static IReadOnlyList<EvaluatedModel> Models(Recipe recipe, TrainingDevice device, int threads, Action<string> say)
    {
        (Split Split, int Seed, TowerLessons Lessons)? last = null;
        return [.. Stages.Select(stage => new EvaluatedModel(
            $"{recipe.Name} {stage.Name}", true, fit => Task.FromResult<IScorer>(Fit(stage.Stage, fit))))];

        ClosedFormScorer Fit(TowerStage stage, Fitting fit)
        {
            if (last is not { } fitted || !ReferenceEquals(fitted.Split, fit.Split) || fitted.Seed != fit.Seed)
            {
                var asked =
                    recipe with { Seed = fit.Seed, Samples = recipe.Samples with { HeldOutUsers = RecipeModel.HeldOut(recipe) } };
                var lessons = TrainJob.FitLessons(asked, fit.Split.Training, device, threads, say, fit.Stop);
                last = fitted = (fit.Split, fit.Seed, lessons);
            }

            return new(fitted.Lessons, stage, [.. fitted.Lessons.Videos.Select(video => fit.Split.ItemOf[video.Id])]);
        }
    }

    /// <inheritdoc/>
    public void Score(Query query, Span<float> scores)
    {
        ArgumentNullException.ThrowIfNull(query);
        _lessons.Score((Own(query.Likes), Own(query.Nopes)), _stage, _scores);
        scores.Fill(_scores.Min() - 1);
        for (var place = 0; place < _own.Length; place++) scores[_own[place]] = _scores[place];
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    private int[] Own(int[] items) => [.. items.Where(_itemOf.ContainsKey).Select(item => _itemOf[item]).Order()];
}
