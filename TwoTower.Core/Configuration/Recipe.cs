using System.ComponentModel.DataAnnotations;

namespace TwoTower.Core.Configuration;

/// <summary>
/// One way to train. A file in <c>recipes/</c>, overridable by environment and command line, validated before anything starts, unknown keys
/// and keys of another kind refused. The values here are the contract's (recipe v2), and what a file that says no kind has where it says
/// nothing; one that says its kind has the best recipe's of that kind. Summaries and remarks of keys are the texts of
/// <c>recipes/recipe.schema.json</c> and <c>docs/recipes.md</c>.
/// </summary>
public sealed record Recipe : IValidatableObject
{
    /// <summary>What is trained: statistics (both towers read statistics) or history (the user tower reads the history itself).</summary>
    /// <remarks>history recommends best; statistics is smaller, is the original's model, and can be resumed.</remarks>
    public RecipeKind Kind { get; init; }

    /// <summary>Begins the name of every release: lower-case letters, digits, hyphens.</summary>
    /// <remarks>Give a recipe of your own a name of its own: its releases can then be told from the others.</remarks>
    [Required, RegularExpression("^[a-z0-9][a-z0-9-]{0,31}$")]
    public string Name { get; init; } = "v2";

    /// <summary>Everything random comes from it. The same seed, data, machine and thread count give the same release, byte for byte but for
    /// its date.</summary>
    /// <remarks>No value is better than another: change it to see how much of a result is chance.</remarks>
    [Range(0, int.MaxValue)]
    public int Seed { get; init; } = 42;

    /// <summary>Vocabularies, vectors from elsewhere, and where features are computed.</summary>
    public FeatureOptions Features { get; init; } = new();

    /// <summary>Who and what is trained on.</summary>
    public SampleOptions Samples { get; init; } = new();

    /// <summary>Shape of the towers.</summary>
    public ModelOptions Model { get; init; } = new();

    /// <summary>The optimisation: AdamW.</summary>
    public TrainingOptions Training { get; init; } = new();

    /// <summary>How a user tower that reads the history is learned.</summary>
    [OnlyOf(RecipeKind.History)]
    public HistoryOptions History { get; init; } = new();

    /// <summary>How its releases are served, where the server's settings don't say otherwise.</summary>
    public ServingOptions Serving { get; init; } = new();

    /// <inheritdoc />
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        var (widths, rates) = (Model.HiddenDims, Model.Dropout);
        if (Kind == RecipeKind.History && widths.Count != 1)
        {
            yield return new(
                $"model.hidden_dims has {widths.Count} layers [{string.Join(", ", widths)}]; the user tower of a history recipe has one hidden layer: give one width.");
        }

        if (Kind == RecipeKind.Statistics && rates.Count != widths.Count)
        {
            yield return new(
                $"model.dropout has {rates.Count} rates [{string.Join(", ", rates)}], but hidden_dims has {widths.Count} layers "
                + $"[{string.Join(", ", widths)}]; give one rate for each layer.");
        }
    }
}
