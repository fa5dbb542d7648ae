using TwoTower.Core.Artifacts;
using TwoTower.Core.Configuration;
using TwoTower.Core.Features;
using TwoTower.Evaluation.Queries;
using TwoTower.Training;
using TwoTower.Training.Towers;

namespace TwoTower.Evaluation.Models;

/// <summary>A recipe as a model: trained by the product's job, answering through the product's feature path.</summary>
internal static class RecipeModel
{
    /// <summary>Makes the model.</summary>
    /// <param name="name">As tables show it.</param>
    /// <param name="options">How to train: recipe, device, threads. Tables and seed are the evaluation's; nothing is written anywhere.</param>
    public static EvaluatedModel Create(string name, TrainOptions options) => new(name, true, async fit =>
    {
        var run = options with
        {
            Recipe =
                options.Recipe with { Seed = fit.Seed, Samples = options.Recipe.Samples with { HeldOutUsers = HeldOut(options.Recipe) } },
            Tables = fit.Split.Training,
            Database = null,
            Register = false,
            CheckpointPath = null,
            Resume = Resumption.Never,
        };
        var result = await TrainJob.RunAsync(run, fit.Progress, fit.Stop);
        return RecipeScorer.Create(result.Checkpoint, $"{name}, seed {fit.Seed}", fit.Split, fit.Stop);
    })
    {
        IsRecipe = true,
    };

    // The protocol holds users out itself; the gate's own would only be missing here, unless probabilities are fitted on them.
    internal static double HeldOut(Recipe recipe) => recipe.Serving.LikeProbability ? recipe.Samples.HeldOutUsers : 0;
}

/// <summary>The release of a recipe, asked as a live request asks it.</summary>
internal sealed class RecipeScorer : IScorer
{
    private readonly ModelInMemory _model;
    private readonly DateTimeOffset _asOf;

    private RecipeScorer(ModelInMemory model, DateTimeOffset asOf) => (_model, _asOf) = (model, asOf);

    /// <summary>The learning curve.</summary>
    public TrainingSummary? Training => Checkpoint?.Training;

    /// <summary>The trained model.</summary>
    public Checkpoint? Checkpoint { get; private init; }

    /// <summary>Loads the model and embeds every item of the split.</summary>
    public static RecipeScorer Create(Checkpoint checkpoint, string name, Split split, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);
        ArgumentNullException.ThrowIfNull(split);
        return new(
            ModelInMemory.Load(checkpoint, name, [.. split.Items.Select(PayloadBuilder.BuildItem)], ct),
            split.AsOf)
        { Checkpoint = checkpoint };
    }

    /// <summary>The product's: the calibrated one where the release has it, sigmoid(score) otherwise.</summary>
    public Func<float, double> Probability(Query query)
    {
        ArgumentNullException.ThrowIfNull(query);
        if (_model.Calibration is not { } calibration) return score => 1 / (1 + Math.Exp(-score));
        var decisions = _model.Decisions(query.History, _asOf);
        return score => calibration.Of(score, decisions);
    }

    /// <inheritdoc/>
    public void Score(Query query, Span<float> scores)
    {
        ArgumentNullException.ThrowIfNull(query);
        var user = _model.Encode(query.History, _asOf);
        for (var item = 0; item < scores.Length; item++) scores[item] = _model.Score(user, item);
    }

    /// <inheritdoc/>
    public void Dispose() => _model.Dispose();
}
