using TwoTower.Trainer.Tuning;

namespace TwoTower.Cli.Tuning;

/// <summary>How much a study may take, over all its runs.</summary>
/// <param name="Trials">Trials at most.</param>
/// <param name="Time">Time of finished trials at most; null: any.</param>
internal sealed record Budget(int Trials, TimeSpan? Time)
{
    /// <summary>Why no further trial may begin; null: one may. A trial begins where one of mean length would still fit; the first always does.</summary>
    public string? Ends(IReadOnlyList<Trial> trials) =>
        trials.Count >= Trials ? "trials"
        : Time is { } time && trials.Count > 0 && Spent(trials) + Spent(trials) / trials.Count > time ? "budget"
        : null;

    /// <summary>What the finished trials took.</summary>
    public static TimeSpan Spent(IEnumerable<Trial> trials) => TimeSpan.FromSeconds(trials.Sum(trial => trial.Seconds));
}
