using TwoTower.Core.Configuration;
using TwoTower.Evaluation.Queries;
using TwoTower.Training;
using TwoTower.Training.Histories;

namespace TwoTower.Evaluation.Models;

/// <summary>
/// What the towers of a history recipe learn from, asked as it is: the difference to the recipe is what the towers lose. A video without a
/// vector of its own comes after all others.
/// </summary>
internal sealed class ClosedFormScorer : IScorer
{
    private readonly ClosedFormModel _model;
    private readonly int[] _own; // [the model's items] its place among the split's
    private readonly Dictionary<int, int> _itemOf;
    private readonly float[] _scores;

    private ClosedFormScorer(ClosedFormModel model, int[] own) =>
        (_model, _own, _itemOf, _scores) =
            (model, own, own.Select((item, place) => (item, place)).ToDictionary(pair => pair.item, pair => pair.place),
                new float[own.Length]);

    /// <summary>The closed forms of a recipe as a model.</summary>
    public static EvaluatedModel Model(Recipe recipe, TrainingDevice device, int threads, Action<string> say) => new($"{recipe.Name} closed form", true, fit => Task.FromResult<IScorer>(Fit(
        recipe with { Seed = fit.Seed, Samples = recipe.Samples with { HeldOutUsers = RecipeModel.HeldOut(recipe) } }, fit.Split, device,
        threads, say, fit.Stop)));

    private static ClosedFormScorer Fit(
        Recipe recipe, Split split, TrainingDevice device, int threads, Action<string> say, CancellationToken ct)
    {
        var (model, videos) = TrainJob.FitClosedForm(recipe, split.Training, device, threads, say, ct);
        return new(model, [.. videos.Select(video => split.ItemOf[video.Id])]);
    }

    /// <inheritdoc/>
    public void Score(Query query, Span<float> scores)
    {
        ArgumentNullException.ThrowIfNull(query);
        _model.Score(new[] { (Own(query.Likes), Own(query.Nopes)) }, _scores, new() { MaxDegreeOfParallelism = 1 });
        scores.Fill(_scores.Min() - 1);
        for (var place = 0; place < _own.Length; place++) scores[_own[place]] = _scores[place];
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    private int[] Own(int[] items) => [.. items.Where(_itemOf.ContainsKey).Select(item => _itemOf[item]).Order()];
}
