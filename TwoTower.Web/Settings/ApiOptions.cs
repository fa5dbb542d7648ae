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

    /// <summary>Seconds between two looks at which releases' towers to have in memory; requests read the pointer themselves, each
    /// time.</summary>
    [Range(1, 3_600)]
    public int ReleasePollSeconds { get; set; } = 2;

    /// <summary>True looks at once after an activation, too: LISTEN, on a connection that is kept for it. Behind a pooler there is
    /// none.</summary>
    public bool Listen { get; set; } = true;

    /// <summary>
    /// A key of operators that has no name, for /v1/releases and /v1/experiments: Authorization: Bearer KEY. Without it and those of
    /// TwoTower:Operators these paths aren't there. A secret: give it by the environment (TwoTower__Api__OperatorKey) or a secret store.
    /// </summary>
    [RegularExpression("^(|[!-~]{16,512})$", ErrorMessage = "OperatorKey must be 16 to 512 printable ASCII characters without spaces.")]
    public string? OperatorKey { get; set; }

    /// <summary>Megabytes of a bundle that is imported over HTTP, at most.</summary>
    [Range(1, 1_000_000)]
    public int MaxBundleMb { get; set; } = 2_048;

    /// <summary>Where bundles lie while they come or go over HTTP, two at most; left out, among the system's temporary files.</summary>
    public string? BundleFolder { get; set; }

    /// <summary>
    /// Origins of other sites' pages that may ask for lists and post decisions (CORS), such as https://a.example;https://b.example; * is
    /// every one. Left out, a browser lets none. Operators' paths are for no page.
    /// </summary>
    [RegularExpression(@"^(|\*|https?://[A-Za-z0-9.:\[\]-]+(;https?://[A-Za-z0-9.:\[\]-]+)*)$",
        ErrorMessage = "CorsOrigins must be * or origins such as https://a.example;https://b.example:8443, without a path.")]
    public string? CorsOrigins { get; set; }

    /// <summary>True serves the OpenAPI document, /openapi/v1.json.</summary>
    public bool OpenApi { get; set; } = true;

    /// <summary>True serves the page that shows the document, /docs; only where the document is served.</summary>
    public bool Docs { get; set; } = true;
}

[OptionsValidator]
internal sealed partial class ApiOptionsValidator : IValidateOptions<ApiOptions>;

[OptionsValidator]
internal sealed partial class RecommendationOptionsValidator : IValidateOptions<RecommendationOptions>;
