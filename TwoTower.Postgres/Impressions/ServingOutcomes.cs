namespace TwoTower.Postgres.Impressions;

/// <summary>What became of the requests that a release was to answer and could have answered.</summary>
/// <param name="Answers">Answered by the model, empty answers included.</param>
/// <param name="Empty">Answers without a video, though the release to go back to would have found one.</param>
/// <param name="Failed">No answer, and the release was why.</param>
internal readonly record struct Outcomes(long Answers, long Empty, long Failed);

/// <summary>How a release failed a user.</summary>
internal enum ServingFaultKind
{
    /// <summary>No answer.</summary>
    Failed,

    /// <summary>An answer without a video.</summary>
    Empty,
}

/// <summary>A user whom a release failed.</summary>
internal readonly record struct ServingFault(string ModelVersion, ServingFaultKind Kind, Guid UserId);

/// <summary>What was taken down since the last time, by release.</summary>
internal sealed class ServingOutcomes
{
    public Dictionary<string, Outcomes> Counts { get; } = new(StringComparer.Ordinal);

    public HashSet<ServingFault> Faults { get; } = [];
}
