using TwoTower.Evaluation.Tuning;
using TwoTower.Training;

namespace TwoTower.Evaluation;

/// <summary>What was asked for.</summary>
internal sealed record TuneOptions
{
    public required TableSource Data { get; init; }

    public required ProtocolChoice Protocol { get; init; }

    public required string Recipe { get; init; }

    public required IReadOnlyList<string> Overrides { get; init; }

    /// <summary>Null: the built-in space for recipes of this kind.</summary>
    public required string? Space { get; init; }

    public required Goal Goal { get; init; }

    public required Budget Budget { get; init; }

    public required IReadOnlyList<int> Seeds { get; init; }

    public required string Study { get; init; }

    public required TrainingDevice Device { get; init; }

    public required int Threads { get; init; }
}

/// <summary>A search as --json prints it.</summary>
/// <param name="Study">Its folder.</param>
/// <param name="Data">The rows.</param>
/// <param name="Protocol">How it was measured.</param>
/// <param name="Split">On which users.</param>
/// <param name="Recipe">What was searched from.</param>
/// <param name="Objective">What for.</param>
/// <param name="Requirements">With what.</param>
/// <param name="TrialsDone">How many there are.</param>
/// <param name="Seconds">That they took, over all runs.</param>
/// <param name="InterruptedSeconds">That went into trials which were begun and not finished.</param>
/// <param name="EndedBy">trials, budget or space.</param>
/// <param name="Best">The best that fulfils every requirement; null: none does.</param>
/// <param name="BestRecipe">Its recipe's file.</param>
/// <param name="Trials">The best one first.</param>
internal sealed record Tuned(
    string Study, string Data, string Protocol, string? Split, string Recipe, string Objective, IReadOnlyList<string> Requirements,
    int TrialsDone,
    double Seconds, double InterruptedSeconds, string EndedBy, Trial? Best, string? BestRecipe, IReadOnlyList<Trial> Trials);
