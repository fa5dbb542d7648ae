using System.Text.Json.Serialization;
using TwoTower.Evaluation.Baselines;
using TwoTower.Evaluation.Live;
using TwoTower.Evaluation.Results;

namespace TwoTower.Evaluation.Report;

/// <summary>An evaluation as --json prints it. The names in JSON stay what programs read already.</summary>
internal sealed record Evaluated(
    string Data, string Protocol, string? Split, int Cores, DateTimeOffset EvaluatedAt, string? Reference,
    IReadOnlyList<SplitSummary> Splits,
    [property: JsonPropertyName("contenders")] IReadOnlyList<ModelResult> Models)
{
    /// <summary>What the baselines were fitted with, tuned or given.</summary>
    public IReadOnlyList<BaselineFit> BaselineSettings { get; init; } = [];

    /// <summary>What the live API makes of the recipes; null where it wasn't asked.</summary>
    public IReadOnlyList<LiveResult>? Live { get; init; }
}
