namespace TwoTower.Postgres.Experiments.Comparison;

/// <summary>Two releases by what became of what they recommended.</summary>
/// <param name="Since">Recommendations from here on count; null: all that are kept.</param>
/// <param name="Until">Up to here.</param>
/// <param name="Experiment">Only what was served while this experiment ran; null: all.</param>
/// <param name="UsersInBoth">Users who were served by both.</param>
/// <param name="Metrics">likes_per_recommendation, nopes_per_recommendation, coverage, empty_answers.</param>
/// <param name="Notes">What to bear in mind.</param>
internal sealed record ReleaseComparison(
    ComparedRelease A, ComparedRelease B, DateTimeOffset? Since, DateTimeOffset Until, string? Experiment, int UsersInBoth,
    IReadOnlyList<ComparedMetric> Metrics, IReadOnlyList<string> Notes);

/// <summary>What is known of one of them.</summary>
/// <param name="ModelVersion">The release.</param>
/// <param name="Users">Users who were served by it and are recorded.</param>
/// <param name="Answers">Answers, empty ones included.</param>
/// <param name="Recommendations">Videos shown.</param>
/// <param name="Likes">Of them liked.</param>
/// <param name="Nopes">Of them not wanted.</param>
/// <param name="Videos">Distinct videos shown.</param>
internal sealed record ComparedRelease(
    string ModelVersion, int Users, long Answers, long Recommendations, long Likes, long Nopes, long Videos);

/// <summary>One number of both, with 95 % intervals.</summary>
/// <param name="Name">What it is.</param>
/// <param name="A">Of the one; null: nothing to tell by.</param>
/// <param name="B">Of the other.</param>
/// <param name="Difference">B − A. Chance alone rarely explains a difference whose interval leaves 0 out.</param>
internal sealed record ComparedMetric(string Name, Interval? A, Interval? B, Interval? Difference);
