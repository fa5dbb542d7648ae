using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace TwoTower.Postgres.Gate;

/// <summary>What the gate asks of a release. Configuration section <c>TwoTower:Gate</c>, the same for every process.</summary>
public sealed record GateOptions
{
    /// <summary>Where they are configured.</summary>
    public const string Section = "TwoTower:Gate";

    /// <summary>How much lower recall@20 and ndcg@100 may be than the live release's, as a share of the live one's.</summary>
    [Range(0.0, 1.0)]
    public double Margin { get; init; } = 0.05;

    /// <summary>How much higher nope@20 may be than the live release's.</summary>
    [Range(0.0, 1.0)]
    public double NopeMargin { get; init; } = 0.01;

    /// <summary>
    /// Standard errors of the difference that chance is given: only what is worse by more than the margin and this many of them fails.
    /// </summary>
    [Range(0.0, 10.0)]
    public double StandardErrors { get; init; } = 2;

    /// <summary>Held-out users with enough likes below which quality isn't judged, and the gate says so.</summary>
    [Range(2, 1_000_000)]
    public int MinUsers { get; init; } = 50;

    /// <summary>Held-out users asked at most; a thousand of them over 200,000 videos take seconds.</summary>
    [Range(2, 1_000_000)]
    public int MaxUsers { get; init; } = 1000;
}

/// <summary>Ends a start with the option's name when a value is out of range.</summary>
[OptionsValidator]
internal sealed partial class GateOptionsValidator : IValidateOptions<GateOptions>;
