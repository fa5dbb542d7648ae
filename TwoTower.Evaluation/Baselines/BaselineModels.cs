using TwoTower.Core;
using TwoTower.Evaluation.Models;
using TwoTower.Training.Factors;

namespace TwoTower.Evaluation.Baselines;

/// <summary>What a recipe has to beat, by name.</summary>
/// <param name="given">Settings that aren't tuned.</param>
/// <param name="say">Told what is chosen where they are.</param>
internal sealed class BaselineModels(BaselineSettings given, Action<string> say)
{
    private readonly List<BaselineFit> _fits = [];

    /// <summary>Settings that baselines were fitted with so far.</summary>
    public IReadOnlyList<BaselineFit> Fits => _fits;

    /// <summary>All of them, simple ones first.</summary>
    public IReadOnlyList<EvaluatedModel> All =>
    [
        new("popularity", false, fit => Fitted(() => CountScorer.Popularity(fit.Split))),
        new("like-ratio", false, fit => Fitted(() => CountScorer.LikeRatio(fit.Split))),
        new("content", false, fit => Fitted(() => new ContentScorer(fit.Split.Contents))),
        new("item-knn", false, fit => Fitted(() => ItemKnn.Fit(
            fit.Split, (int)Noted(fit, "item-knn", (BaselineSettings.Neighbours, given.Find(BaselineSettings.Neighbours) ?? ItemKnn.DefaultNeighbours))[0], fit.Stop))),
        new("ease", false, fit => Fitted(() => Ease.Fit(fit.Split, Noted(fit, "ease", (BaselineSettings.Lambda, Tuning(fit).Lambda()))[0], fit.Stop))) { MostItems = Ease.MostItems },
        new("ials", true, fit => Fitted(() => Ials.Fit(fit.Split, Noted(fit, Tuning(fit).Ials(fit.Seed)), fit.Seed, fit.Stop))),
    ];

    /// <summary>A baseline.</summary>
    /// <exception cref="InputException">There is none of this name.</exception>
    public EvaluatedModel Named(string name) => All.FirstOrDefault(baseline => baseline.Name == name)
        ?? throw new InputException($"there is no baseline '{name}'; known are {string.Join(", ", All.Select(baseline => baseline.Name))}");

    private BaselineTuning Tuning(Fitting fit) => new(fit.Split, given, say, fit.Stop);

    private IalsOptions Noted(Fitting fit, IalsOptions options)
    {
        Noted(
            fit, "ials", (BaselineSettings.Dimensions, options.Dim), (BaselineSettings.Regularization, options.Regularization),
            (BaselineSettings.UnobservedWeight, options.UnobservedWeight), (BaselineSettings.Epochs, options.Epochs));
        return options;
    }

    private double[] Noted(Fitting fit, string baseline, params (string Key, double Value)[] settings)
    {
        _fits.Add(new(baseline, fit.Split.Name, settings.ToDictionary(pair => pair.Key, pair => pair.Value)));
        return [.. settings.Select(pair => pair.Value)];
    }

    private static Task<IScorer> Fitted(Func<IScorer> fit) => Task.FromResult(fit());
}

/// <summary>What a baseline was fitted with.</summary>
/// <param name="Baseline">Its name.</param>
/// <param name="Split">On which split.</param>
/// <param name="Settings">Its settings, by the keys of <c>--baseline-set</c>.</param>
internal sealed record BaselineFit(string Baseline, string Split, IReadOnlyDictionary<string, double> Settings);
