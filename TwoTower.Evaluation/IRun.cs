using TwoTower.Core.Rows;
using TwoTower.Evaluation.Evaluators;

namespace TwoTower.Evaluation;

/// <summary>Where an evaluation or a search talks, and when it stops.</summary>
internal interface IRun
{
    TimeProvider Time { get; }

    CancellationToken Stop { get; }

    /// <summary>What is kept if the run is stopped now, and how to go on.</summary>
    string? Kept { set; }

    void Say(string message);

    /// <summary>A message for who wants to know more.</summary>
    void Detail(string message);

    /// <summary>Something is not as it should be, though the work goes on.</summary>
    void Warn(string message);

    /// <summary>Runs a stage, and shows how far it is.</summary>
    Task<T> StageAsync<T>(string title, Func<IProgress<EvaluationProgress>, Task<T>> work);
}

/// <summary>Reads the rows that are evaluated on.</summary>
/// <param name="videoFeatures">Vectors of the videos that somebody will read from a database; null: all.</param>
/// <returns>The rows, and what they are, for tables and reports.</returns>
internal delegate Task<(TableSet Tables, string Name)> TableSource(IReadOnlyCollection<string>? videoFeatures);
