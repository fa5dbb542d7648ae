namespace TwoTower.Trainer.Evaluation;

/// <summary>A fitted model as an evaluation sees it: a score for each item of the split, for a viewer that it hasn't learned from.</summary>
public interface IScorer : IDisposable
{
    /// <summary>Scores every item of the split for one query, higher is better.</summary>
    /// <param name="query">What may be known of the viewer.</param>
    /// <param name="scores">[Items.Count]; overwritten.</param>
    void Score(Query query, Span<float> scores);
}

/// <summary>Something that is evaluated: a baseline or a recipe.</summary>
/// <param name="Name">As tables show it.</param>
/// <param name="IsSeeded">True: another seed gives another model.</param>
/// <param name="FitAsync">Learns from <see cref="Split.Training"/>, by a seed.</param>
public sealed record Contender(string Name, bool IsSeeded, Func<Split, int, CancellationToken, Task<IScorer>> FitAsync);
