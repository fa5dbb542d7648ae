using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace TwoTower.Postgres.Serving;

/// <summary>
/// How much a user's likes and nopes count in the popularity of videos, so that nobody makes a video popular by making up users: settings
/// section
/// <c>TwoTower:Popularity</c>.
/// </summary>
internal sealed class PopularityOptions
{
    /// <summary>Where the settings are read from.</summary>
    public const string Section = "TwoTower:Popularity";

    /// <summary>
    /// Time after which a user counts in full; until then, by the cube of the share of it that has passed since the account was made
    /// (profiles.created_at) or, without a profile, since the first decision was posted: half of the time, an eighth. 0: at once.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "365.00:00:00")]
    public TimeSpan Maturity { get; set; } = TimeSpan.FromDays(7);

    /// <summary>Videos that a user must have decided on to count in full; with fewer, their share.</summary>
    [Range(1, 1_000)]
    public int Spread { get; set; } = 3;

    /// <summary>Decisions of a user and day (UTC) that count, by the day that they came, whatever they are dated.</summary>
    [Range(1, 1_000_000)]
    public int DecisionsPerDay { get; set; } = 100;
}

/// <summary>Ends a start with the option's name when a value is out of range.</summary>
[OptionsValidator]
internal sealed partial class PopularityOptionsValidator : IValidateOptions<PopularityOptions>;
