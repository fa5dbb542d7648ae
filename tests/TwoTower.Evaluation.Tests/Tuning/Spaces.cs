using TwoTower.Core.Configuration;

namespace TwoTower.Evaluation.Tests.Tuning;

/// <summary>Spaces to search in.</summary>
internal static class Spaces
{
    public static readonly Recipe Recipe = new();

    public static SearchSpace Of(string json) => SearchSpace.Parse(json, "mine.json", Recipe);

    /// <summary>Four ranges.</summary>
    public static SearchSpace Wide { get; } = Of(
        """
        {
          "training.lr": {"min": 0.0001, "max": 0.01, "scale": "log"},
          "training.logit_scale": {"min": 1, "max": 20},
          "samples.negative_popularity": {"min": 0, "max": 1},
          "training.weight_decay": {"min": 0.000001, "max": 0.1, "scale": "log"}
        }
        """);
}
