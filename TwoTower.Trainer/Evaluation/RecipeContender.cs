using System.Numerics.Tensors;
using TwoTower.Core.Artifacts;
using TwoTower.Core.Configuration;
using TwoTower.Core.Features;
using TwoTower.Core.Inference;
using TwoTower.Core.Releases;

namespace TwoTower.Trainer.Evaluation;

/// <summary>A recipe as a contender: trained by the product's job, answering through the product's feature path.</summary>
public static class RecipeContender
{
    /// <summary>Makes the contender.</summary>
    /// <param name="name">As tables show it.</param>
    /// <param name="options">How to train: recipe, device, threads. Tables and seed are the evaluation's; nothing is written anywhere.</param>
    public static Contender Create(string name, TrainOptions options) => new(name, true, async fit =>
    {
        var run = options with
        {
            Recipe = options.Recipe with { Seed = fit.Seed, Samples = options.Recipe.Samples with { HeldOutUsers = HeldOut(options.Recipe) } },
            Tables = fit.Split.Training,
            Database = null,
            Register = false,
            CheckpointPath = null,
            Resume = false,
        };
        var result = await TrainJob.RunAsync(run, fit.Progress, fit.Stop);
        return RecipeScorer.Create(result.Checkpoint, $"{name}, seed {fit.Seed}", fit.Split, options.Time.GetUtcNow());
    })
    {
        IsRecipe = true,
    };

    // The protocol holds viewers out itself; the gate's own would only be missing here, unless probabilities are fitted on them.
    private static double HeldOut(Recipe recipe) => recipe.Serving.LikeProbability ? recipe.Samples.HeldOutUsers : 0;
}

/// <summary>The release of a recipe: history → payload → user tower → dot product with every item's embedding, as a live request does it.</summary>
public sealed class RecipeScorer : IScorer
{
    private readonly UserTower _users;
    private readonly float[] _items; // [items × dim]
    private readonly HistoryPool? _histories;
    private readonly DateTimeOffset _asOf;

    private RecipeScorer(UserTower users, float[] items, HistoryPool? histories, DateTimeOffset asOf, TrainingSummary training)
    {
        (_users, _items, _histories, _asOf) = (users, items, histories, asOf);
        Training = training;
    }

    /// <summary>The learning curve.</summary>
    public TrainingSummary? Training { get; }

    /// <summary>The trained model.</summary>
    public Checkpoint? Checkpoint { get; private init; }

    /// <summary>Loads the release's towers through ONNX Runtime and embeds every item of the split, also those that training didn't have.</summary>
    public static RecipeScorer Create(Checkpoint checkpoint, string name, Split split, DateTimeOffset exportedAt)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);
        ArgumentNullException.ThrowIfNull(split);
        var files = new ReleaseFileSet(name, ReleaseFiles.Build(checkpoint, exportedAt));
        using var tower = ItemTower.FromFiles(files);
        var items = new float[split.Items.Count * tower.EmbeddingDim];
        var histories = new float[split.Items.Count * tower.HistoryDim];
        tower.Encode([.. split.Items.Select(PayloadBuilder.BuildItem)], items, default, histories);
        var pool = tower.HistoryDim > 0 ? new HistoryPool(split.ItemOf, histories, tower.HistoryDim / 2) : null;
        return new(UserTower.FromFiles(files), items, pool, split.AsOf, checkpoint.Training) { Checkpoint = checkpoint };
    }

    /// <summary>The product's: the calibrated one where the release has it, sigmoid(score) otherwise.</summary>
    public Func<float, double> Probability(Query query)
    {
        ArgumentNullException.ThrowIfNull(query);
        if (_users.Calibration is not { } calibration) return score => 1 / (1 + Math.Exp(-score));
        var decisions = PayloadBuilder.BuildUser(query.History, _asOf).DecisionStats;
        return score => calibration.Of(score, decisions);
    }

    /// <inheritdoc/>
    public void Score(Query query, Span<float> scores)
    {
        ArgumentNullException.ThrowIfNull(query);
        var dim = _users.EmbeddingDim;
        var user = _users.Encode(PayloadBuilder.BuildUser(query.History, _asOf) with { History = _histories?.Pool(query.History, _asOf) }, _asOf);
        for (var item = 0; item < scores.Length; item++) scores[item] = TensorPrimitives.Dot<float>(user, _items.AsSpan(item * dim, dim));
    }

    /// <inheritdoc/>
    public void Dispose() => _users.Dispose();
}
