using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using TwoTower.Core.Rows;

namespace TwoTower.Core.Configuration;

/// <summary>
/// One way to train: every knob, its default the recommendation of the contract (recipe v2). A file in <c>recipes/</c>, overridable by
/// environment and command line, validated before anything starts, unknown keys refused.
/// </summary>
public sealed record Recipe
{
    /// <summary>Name of the recipe; part of every model version.</summary>
    [Required, RegularExpression("^[a-z0-9][a-z0-9-]{0,31}$")]
    public string Name { get; init; } = "v2";

    /// <summary>Everything random comes from it.</summary>
    [Range(0, int.MaxValue)]
    public int Seed { get; init; } = 42;

    /// <summary>Vocabularies and where features are computed.</summary>
    public FeatureOptions Features { get; init; } = new();

    /// <summary>Which rows become samples.</summary>
    public SampleOptions Samples { get; init; } = new();

    /// <summary>Shape of both towers.</summary>
    public ModelOptions Model { get; init; } = new();

    /// <summary>The optimisation.</summary>
    public TrainingOptions Training { get; init; } = new();

    /// <summary>A user tower that reads the history itself, and how that is learned.</summary>
    public HistoryOptions History { get; init; } = new();

    /// <summary>How its releases are served.</summary>
    public ServingOptions Serving { get; init; } = new();
}

/// <summary>How the releases of a recipe are served, where the server's settings don't say otherwise.</summary>
public sealed record ServingOptions
{
    /// <summary>
    /// True orders the candidates by 0.75 × similarity + release recency + price (contract, section 9), as the original does; false by the
    /// model's score alone.
    /// </summary>
    public bool ReRank { get; init; } = true;

    /// <summary>
    /// True fits, after the training, what makes probabilities of the scores, on the users that the training left out; answers then have a
    /// likeProbability. Not written where false: the artifacts of recipes without it are what they were before there was one.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool LikeProbability { get; init; }
}

/// <summary>Vocabularies, vectors from elsewhere, and where features are computed.</summary>
public sealed record FeatureOptions : IValidatableObject
{
    /// <summary>True: the SQL functions compute the features, in training and in serving; false: this process does, from the tables.</summary>
    public bool UseRpcFeatures { get; init; } = true;

    /// <summary>Most tags in the vocabulary.</summary>
    [Range(0, 100_000)]
    public int MaxTagVocab { get; init; } = 512;

    /// <summary>Videos that a tag must be on to be in the vocabulary.</summary>
    [Range(1, int.MaxValue)]
    public int MinTagFreq { get; init; } = 3;

    /// <summary>Most performers in the vocabulary.</summary>
    [Range(0, 100_000)]
    public int MaxActressVocab { get; init; } = 256;

    /// <summary>Videos that a performer must be in to be in the vocabulary.</summary>
    [Range(1, int.MaxValue)]
    public int MinActressFreq { get; init; } = 2;

    /// <summary>
    /// Names of vectors in <c>two_tower.video_features</c> that the item tower reads, in the order of its input; null (also for an empty list)
    /// for none. Not written where there are none: releases without them stay what they were, byte for byte.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? VideoFeatures { get; init => field = value is { Count: > 0 } ? value : null; }

    /// <inheritdoc />
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        foreach (var name in VideoFeatures ?? [])
        {
            if (name is null || !VideoFeatureName.IsValid(name)) yield return new($"video_features has '{name}'; a name is {VideoFeatureName.Allowed}.");
            if (VideoFeatures!.Count(other => other == name) > 1) yield return new($"video_features has '{name}' twice; name each once.");
        }
    }
}

/// <summary>Which rows become samples.</summary>
public sealed record SampleOptions
{
    /// <summary>Negatives wanted per like; nopes count towards it, the rest is sampled.</summary>
    [Range(0, 1000)]
    public int NegativeSamplingRatio { get; init; } = 3;

    /// <summary>
    /// Share of the sampled negatives that are drawn as often as other viewers like them; the rest, and with 0 all of them, uniformly
    /// (contract, section 4). Without it a model learns mostly what is popular: nearly every like is, and hardly any uniform draw.
    /// </summary>
    [Range(0.0, 1.0)]
    public double NegativePopularity { get; init; }

    /// <summary>Share of the samples held out for validation.</summary>
    [Range(0.0, 0.9)]
    public double TrainValSplit { get; init; } = 0.1;

    /// <summary>
    /// Share of the users that no training ever sees, by a stable hash of their id: what the gate measures two releases on
    /// (docs/releases.md). Not a split of one training: the same users are left out of every one.
    /// </summary>
    [Range(0.0, 0.5)]
    public double HeldOutUsers { get; init; } = 0.02;
}

/// <summary>Shape of both towers, which are alike.</summary>
public sealed record ModelOptions : IValidatableObject
{
    /// <summary>Widths of the hidden layers.</summary>
    [MinLength(1), MaxLength(8)]
    public IReadOnlyList<int> HiddenDims { get; init; } = [512, 256];

    /// <summary>Dropout after each hidden layer, one a layer.</summary>
    [MinLength(1), MaxLength(8)]
    public IReadOnlyList<double> Dropout { get; init; } = [0.2, 0.1];

    /// <summary>Length of an embedding.</summary>
    [Range(2, 2000)]
    public int EmbeddingDim { get; init; } = 256;

    /// <inheritdoc />
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (HiddenDims.Any(width => width is < 1 or > 65_536))
        {
            yield return new($"hidden_dims is [{string.Join(", ", HiddenDims)}]; each width must be between 1 and 65536.");
        }

        if (Dropout.Any(rate => !(rate is >= 0 and < 1)))
        {
            yield return new($"dropout is [{string.Join(", ", Dropout)}]; each rate must be 0 or more and less than 1.");
        }

        if (Dropout.Count != HiddenDims.Count)
        {
            yield return new(
                $"dropout has {Dropout.Count} rates [{string.Join(", ", Dropout)}], but hidden_dims has {HiddenDims.Count} layers "
                + $"[{string.Join(", ", HiddenDims)}]; give one rate for each layer.");
        }
    }
}

/// <summary>The optimisation: AdamW on binary cross-entropy with logits.</summary>
public sealed record TrainingOptions
{
    /// <summary>Most passes over the samples.</summary>
    [Range(1, 100_000)]
    public int Epochs { get; init; } = 25;

    /// <summary>Samples a step.</summary>
    [Range(1, 1_000_000)]
    public int BatchSize { get; init; } = 256;

    /// <summary>Learning rate.</summary>
    [Range(1e-8, 10.0)]
    public double Lr { get; init; } = 1e-3;

    /// <summary>Decoupled weight decay.</summary>
    [Range(0.0, 1.0)]
    public double WeightDecay { get; init; } = 1e-5;

    /// <summary>Adam's β₁.</summary>
    [Range(0.0, 0.9999999)]
    public double Beta1 { get; init; } = 0.9;

    /// <summary>Adam's β₂.</summary>
    [Range(0.0, 0.9999999)]
    public double Beta2 { get; init; } = 0.999;

    /// <summary>Adam's ε.</summary>
    [Range(1e-16, 1.0)]
    public double Eps { get; init; } = 1e-8;

    /// <summary>
    /// What the score is multiplied by before the loss; 1 is the contract's bare cosine, whose loss can't fall under .313 and so teaches
    /// little more than what is popular. The order of recommendations doesn't depend on it, what is learned does.
    /// </summary>
    [Range(0.1, 100.0)]
    public double LogitScale { get; init; } = 1.0;

    /// <summary>Longest gradient; longer ones are scaled down to it.</summary>
    [Range(1e-6, 1e6)]
    public double GradientClipNorm { get; init; } = 5.0;

    /// <summary>Epochs without an improvement before training stops.</summary>
    [Range(1, 100_000)]
    public int EarlyStoppingPatience { get; init; } = 5;

    /// <summary>Fall of the validation loss that counts as an improvement.</summary>
    [Range(0.0, 1.0)]
    public double EarlyStoppingMinDelta { get; init; } = 1e-4;
}
