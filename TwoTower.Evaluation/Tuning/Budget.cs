namespace TwoTower.Evaluation.Tuning;

/// <summary>How much a study may take, over all its runs.</summary>
/// <param name="Trials">Trials at most.</param>
/// <param name="Time">Time of all trials at most; null: any.</param>
internal sealed record Budget(int Trials, TimeSpan? Time)
{
    /// <summary>Why no further trial may begin; null: one may. A trial begins where one of mean length would still fit; the first always
    /// does.</summary>
    /// <param name="trials">The finished ones.</param>
    /// <param name="interrupted">What went into others that were never finished.</param>
    public string? Ends(IReadOnlyList<Trial> trials, TimeSpan interrupted) =>
        trials.Count >= Trials ? "trials"
        : Time is { } time && trials.Count > 0 && interrupted + Spent(trials) + Spent(trials) / trials.Count > time ? "budget"
        : null;

    /// <summary>What finished trials took.</summary>
    public static TimeSpan Spent(IEnumerable<Trial> trials) => TimeSpan.FromSeconds(trials.Sum(trial => trial.Seconds));
}
