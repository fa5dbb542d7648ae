using System.Text.Json.Serialization;

namespace TwoTower.Core.Configuration;

/// <summary>How the releases of a recipe are served, where the server's settings don't say otherwise.</summary>
public sealed record ServingOptions
{
    /// <summary>true orders the candidates by similarity, release recency and price, as the original does; false by the model's score
    /// alone.</summary>
    /// <remarks>true where new and cheap videos should come first. It costs recall (docs/evaluation.md, "Re-ranking").</remarks>
    public bool ReRank { get; init; } = true;

    /// <summary>
    /// true fits, after the training, what makes probabilities of likes of the scores, on the users of samples.held_out_users; answers then
    /// have a likeProbability.
    /// </summary>
    /// <remarks>false saves seconds of the training. The order of the answers is the same.</remarks>
    // Not written where false: the artifacts of recipes without it are what they were before there was one.
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool LikeProbability { get; init; }
}
