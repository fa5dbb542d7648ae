using TwoTower.Core;
using TwoTower.Evaluation.Models;

namespace TwoTower.Evaluation.Baselines;

/// <summary>What a recipe has to beat, by name.</summary>
internal static class BaselineModels
{
    /// <summary>All of them, simple ones first.</summary>
    public static IReadOnlyList<EvaluatedModel> All { get; } =
    [
        new("popularity", false, fit => Fitted(() => CountScorer.Popularity(fit.Split))),
        new("like-ratio", false, fit => Fitted(() => CountScorer.LikeRatio(fit.Split))),
        new("content", false, fit => Fitted(() => new ContentScorer(fit.Split.Contents))),
        new("item-knn", false, fit => Fitted(() => ItemKnn.Fit(fit.Split, ItemKnn.DefaultNeighbours, fit.Stop))),
        new("ease", false, fit => Fitted(() => Ease.Fit(fit.Split, Ease.DefaultLambda, fit.Stop))) { MostItems = Ease.MostItems },
        new("ials", true, fit => Fitted(() => Ials.Fit(fit.Split, new(), fit.Seed, fit.Stop))),
    ];

    /// <summary>A baseline.</summary>
    /// <exception cref="InputException">There is none of this name.</exception>
    public static EvaluatedModel Named(string name) => All.FirstOrDefault(baseline => baseline.Name == name)
        ?? throw new InputException($"there is no baseline '{name}'; known are {string.Join(", ", All.Select(baseline => baseline.Name))}");

    private static Task<IScorer> Fitted(Func<IScorer> fit) => Task.FromResult(fit());
}
