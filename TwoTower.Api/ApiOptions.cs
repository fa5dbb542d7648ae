using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;
using TwoTower.Core.Recommendation;

namespace TwoTower.Api;

/// <summary>How the API runs: settings section <c>TwoTower:Api</c>.</summary>
public sealed class ApiOptions
{
    /// <summary>Where the settings are read from.</summary>
    public const string Section = "TwoTower:Api";

    /// <summary>Seconds between two counts of likes for the popular-and-fresh strategy; 0: another process does it.</summary>
    [Range(0, 86_400)]
    public int StatisticsRefreshSeconds { get; set; } = 60;

    /// <summary>Seconds that a client is told to wait while the database is away.</summary>
    [Range(1, 3_600)]
    public int RetryAfterSeconds { get; set; } = 5;
}

[OptionsValidator]
internal sealed partial class ApiOptionsValidator : IValidateOptions<ApiOptions>;

[OptionsValidator]
internal sealed partial class RecommendationOptionsValidator : IValidateOptions<RecommendationOptions>;
