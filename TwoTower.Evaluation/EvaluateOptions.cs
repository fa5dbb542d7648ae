using TwoTower.Evaluation.Queries;
using TwoTower.Training;

namespace TwoTower.Evaluation;

/// <summary>What was asked for.</summary>
internal sealed record EvaluateOptions
{
    public required TableSource Data { get; init; }

    public required ProtocolChoice Protocol { get; init; }

    public required IReadOnlyList<string> Recipes { get; init; }

    public required IReadOnlyList<string> Overrides { get; init; }

    public required IReadOnlyList<string> Baselines { get; init; }

    public required IReadOnlyList<int> Seeds { get; init; }

    public required bool ReRank { get; init; }

    public required string? Reference { get; init; }

    public required int BootstrapRounds { get; init; }

    public required string? Dump { get; init; }

    public required string? Report { get; init; }

    /// <summary>Asks the live API about the splits too; null: it isn't asked.</summary>
    public required Func<IReadOnlyList<Split>, Task<ILiveEvaluation>>? Live { get; init; }

    public required TrainingDevice Device { get; init; }

    public required int Threads { get; init; }
}
