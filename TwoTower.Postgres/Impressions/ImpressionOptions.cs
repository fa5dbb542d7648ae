using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace TwoTower.Postgres.Impressions;

/// <summary>What is kept of the recommendations that were served. Configuration section <c>TwoTower:Impressions</c>.</summary>
public sealed record ImpressionOptions
{
    /// <summary>Where they are configured.</summary>
    public const string Section = "TwoTower:Impressions";

    /// <summary>
    /// Share of the users whose recommendations are recorded, always the same ones, all of theirs: a decision finds the last impression of
    /// its video. 0 records nothing; a site of a few thousand users wants 1.
    /// </summary>
    [Range(0.0, 1.0)]
    public double Share { get; init; } = 0.1;

    /// <summary>Days that impressions are kept, today included; also what counts of answers are.</summary>
    [Range(1, 3650)]
    public int Days { get; init; } = 30;

    /// <summary>Rows kept at most, about 100 bytes each: the oldest days go first, and when two days alone are more, recording
    /// pauses.</summary>
    [Range(1000L, 10_000_000_000L)]
    public long MaxRows { get; init; } = 20_000_000;

    /// <summary>Answers that wait to be written at most, in each process; further ones aren't recorded, and are counted.</summary>
    [Range(1, 1_000_000)]
    public int Pending { get; init; } = 10_000;

    /// <summary>Pause between two writes.</summary>
    [Range(typeof(TimeSpan), "00:00:00.05", "00:10:00")]
    public TimeSpan FlushInterval { get; init; } = TimeSpan.FromSeconds(2);
}

/// <summary>Ends a start with the option's name when a value is out of range.</summary>
[OptionsValidator]
internal sealed partial class ImpressionOptionsValidator : IValidateOptions<ImpressionOptions>;
