namespace TwoTower.Postgres.Impressions;

/// <summary>An answer that was given, waiting to be recorded.</summary>
/// <param name="ServedAt">When it was asked for, by the database's clock.</param>
/// <param name="UserId">Who got it.</param>
/// <param name="ModelVersion">The release that it is of; null without a model.</param>
/// <param name="ExperimentId">The experiment that ran.</param>
/// <param name="Strategy">How it was made, as answers name it.</param>
/// <param name="VideoIds">What was recommended, best first.</param>
internal sealed record ServedAnswer(
    DateTimeOffset ServedAt, Guid UserId, string? ModelVersion, long? ExperimentId, string Strategy, Guid[] VideoIds)
{
    /// <summary>Rows that it becomes: one a video, or the one that says there was none.</summary>
    public int Rows => Math.Max(1, VideoIds.Length);
}
