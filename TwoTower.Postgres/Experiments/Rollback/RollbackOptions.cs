using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace TwoTower.Postgres.Experiments.Rollback;

/// <summary>
/// When a release that was just activated is left again by itself. Configuration section <c>TwoTower:Rollback</c>. Each rule compares with
/// the release before, and asks for more than a margin and more than chance: what is a little worse is an operator's decision.
/// </summary>
public sealed record RollbackOptions
{
    /// <summary>Where they are configured.</summary>
    public const string Section = "TwoTower:Rollback";

    /// <summary>False: nobody looks, and going back is by hand.</summary>
    public bool Enabled { get; init; } = true;

    /// <summary>How long after its activation a release is watched.</summary>
    [Range(typeof(TimeSpan), "00:01:00", "30.00:00:00")]
    public TimeSpan Window { get; init; } = TimeSpan.FromHours(2);

    /// <summary>How far back the numbers of the release before are taken from: a day has all hours in it.</summary>
    [Range(typeof(TimeSpan), "00:01:00", "30.00:00:00")]
    public TimeSpan Baseline { get; init; } = TimeSpan.FromDays(1);

    /// <summary>Pause between two looks.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "01:00:00")]
    public TimeSpan CheckInterval { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Pause between two looks at likes, which cost more; one replica of all of them looks.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "1.00:00:00")]
    public TimeSpan LikesInterval { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Requests below which errors and empty answers aren't judged.</summary>
    [Range(1, 1_000_000_000)]
    public long MinRequests { get; init; } = 200;

    /// <summary>
    /// Distinct users that a release must have failed, or given empty answers, before that is judged: what one client sends, however often,
    /// says nothing of a release.
    /// </summary>
    [Range(1, 1_000_000)]
    public int MinFailedUsers { get; init; } = 20;

    /// <summary>How much larger the share of requests may be that fail because of the release.</summary>
    [Range(0.0, 1.0)]
    public double ErrorMargin { get; init; } = 0.02;

    /// <summary>How much larger the share of answers without a video may be, though the release before has one that passes the
    /// filters.</summary>
    [Range(0.0, 1.0)]
    public double EmptyMargin { get; init; } = 0.05;

    /// <summary>How much lower likes per recommendation may be, as a share of those of the release before; 1 never judges by
    /// likes.</summary>
    [Range(0.0, 1.0)]
    public double LikesMargin { get; init; } = 0.3;

    /// <summary>Recorded users of either release, who were there before the activation, below which likes aren't judged.</summary>
    [Range(2, 1_000_000_000)]
    public int MinUsers { get; init; } = 100;

    /// <summary>
    /// How long after an impression a like counts here: the new release's impressions are young, so for both only what came this soon
    /// counts, and only of impressions that are that old.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan DecisionWithin { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Standard errors that chance is given. The release is looked at many times: 3, not 2.</summary>
    [Range(0.0, 10.0)]
    public double StandardErrors { get; init; } = 3;
}

/// <summary>Ends a start with the option's name when a value is out of range.</summary>
[OptionsValidator]
internal sealed partial class RollbackOptionsValidator : IValidateOptions<RollbackOptions>;
