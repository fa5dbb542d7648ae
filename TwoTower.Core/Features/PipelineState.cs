using System.Text.Json.Serialization;

namespace TwoTower.Core.Features;

/// <summary>
/// Everything a fitted feature pipeline is: what a checkpoint stores and a release's JSON files are made of. Restoring it
/// reproduces every vector exactly.
/// </summary>
/// <param name="TagTokens">Tag vocabulary in vector order.</param>
/// <param name="PerformerTokens">Performer vocabulary in vector order.</param>
/// <param name="UserNumeric">Standardiser of each user numeric, in vector order (contract, section 3).</param>
/// <param name="ItemNumeric">Standardiser of each item numeric, in vector order.</param>
/// <param name="ReferenceReleasedAt">Latest release in the data set at fitting; null when no video has one.</param>
/// <param name="AsOf">The as-of time of the training features: the latest decision.</param>
public sealed record PipelineState(
    IReadOnlyList<string> TagTokens,
    IReadOnlyList<string> PerformerTokens,
    IReadOnlyList<NumericStandardizer> UserNumeric,
    IReadOnlyList<NumericStandardizer> ItemNumeric,
    DateTimeOffset? ReferenceReleasedAt,
    DateTimeOffset AsOf)
{
    /// <summary>The vectors from elsewhere that the items' features have, in vector order; null with none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<VectorStandardizer>? VideoFeatures { get; init; }
}

/// <summary>Mean and population standard deviation of one numeric feature; a deviation of zero is stored as 1.</summary>
public sealed record NumericStandardizer(string Name, double Mean, double Std);
