using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;
using TwoTower.Postgres.Serving;

namespace TwoTower.Web.Settings;

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

    /// <summary>Seconds between two looks at which releases' towers to have in memory; requests read the pointer themselves, each time.</summary>
    [Range(1, 3_600)]
    public int ReleasePollSeconds { get; set; } = 2;

    /// <summary>True looks at once after an activation, too: LISTEN, on a connection that is kept for it. Behind a pooler there is none.</summary>
    public bool Listen { get; set; } = true;

    /// <summary>
    /// The key of operators, for /v1/releases: Authorization: Bearer KEY. Without one these paths aren't there. A secret: give it by the
    /// environment (TwoTower__Api__OperatorKey) or a secret store.
    /// </summary>
    [RegularExpression("^(|[!-~]{16,512})$", ErrorMessage = "OperatorKey must be 16 to 512 printable ASCII characters without spaces.")]
    public string? OperatorKey { get; set; }

    /// <summary>Megabytes of a bundle that is imported over HTTP, at most.</summary>
    [Range(1, 1_000_000)]
    public int MaxBundleMb { get; set; } = 2_048;

    /// <summary>Where bundles lie while they come or go over HTTP, two at most; left out, among the system's temporary files.</summary>
    public string? BundleFolder { get; set; }
}

[OptionsValidator]
internal sealed partial class ApiOptionsValidator : IValidateOptions<ApiOptions>;

[OptionsValidator]
internal sealed partial class RecommendationOptionsValidator : IValidateOptions<RecommendationOptions>;
