using System.ComponentModel.DataAnnotations;

namespace TwoTower.Core.Configuration;

/// <summary>Shape of the towers.</summary>
public sealed record ModelOptions : IValidatableObject
{
    /// <summary>Widths of the hidden layers, input side first. statistics: of both towers, 1 to 8 of them; history: of the user tower,
    /// one.</summary>
    /// <remarks>Raise them where much data is left unlearned; twice the width trains about 2.5 times as long and more than doubles the
    /// towers. Lower them for speed.</remarks>
    [MinLength(1), MaxLength(8)]
    public IReadOnlyList<int> HiddenDims { get; init; } = [512, 256];

    /// <summary>Dropout rate after each hidden layer, 0 or more and less than 1; one for each of hidden_dims.</summary>
    /// <remarks>Raise it where the validation loss rises while the training loss falls; more epochs are needed. Lower it on much
    /// data.</remarks>
    [MinLength(1), MaxLength(8), OnlyOf(RecipeKind.Statistics)]
    public IReadOnlyList<double> Dropout { get; init; } = [0.2, 0.1];

    /// <summary>Length of an embedding. 256 fits public.video_embeddings; others live in the release's own table only.</summary>
    /// <remarks>Raise it for finer answers; table, index and the search grow with it (256: 1 KB a video and as much again in the index).
    /// Lower it for a small index.</remarks>
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
    }
}
