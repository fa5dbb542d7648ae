using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using Microsoft.AspNetCore.Mvc;
using TwoTower.Postgres.Serving;
using TwoTower.Web.Requests;

namespace TwoTower.Web.Recommendations;

/// <summary>
/// The filters of a list of videos, in the query or a body. They are inside the search: a list stays as long as was asked for.
/// </summary>
public record FilterQuery
{
    /// <summary>Videos wanted, 1 to 100.</summary>
    [Description("Videos wanted, 1 to 100.")]
    [FromQuery(Name = "limit")]
    [Range(1, 100)]
    [DefaultValue(20)]
    public int? Limit { get; init; }

    /// <summary>Highest safety level that may be shown; 0 is for everyone.</summary>
    [Description("Highest safety level that may be shown; 0 is for everyone.")]
    [FromQuery(Name = "maxSafetyLevel")]
    [Range(0, 32_767)]
    [DefaultValue(1)]
    public int? MaxSafetyLevel { get; init; }

    /// <summary>Regions to show in, repeated in a query. A video without regions is shown everywhere.</summary>
    [Description("Regions to show in, repeated in a query. A video without regions is shown everywhere.")]
    [FromQuery(Name = "regions")]
    [MaxLength(100)]
    [NoNulls]
    public string[]? Regions { get; init; }

    /// <summary>Names of tags that hide a video, repeated in a query.</summary>
    [Description("Names of tags that hide a video, repeated in a query.")]
    [FromQuery(Name = "bannedTags")]
    [MaxLength(100)]
    [NoNulls]
    public string[]? BannedTags { get; init; }

    /// <summary>Ids of videos to leave out, repeated in a query; a URL has room for about 300, a body for 1,000.</summary>
    [Description("Ids of videos to leave out, repeated in a query; a URL has room for about 300, a body for 1,000.")]
    [FromQuery(Name = "excludeVideoIds")]
    [MaxLength(1_000)]
    public Guid[]? ExcludeVideoIds { get; init; }

    internal int LimitOrDefault => Limit ?? 20;

    internal VideoFilter ToFilter() => new()
    {
        MaxSafetyLevel = MaxSafetyLevel ?? 1,
        Regions = Regions ?? [],
        BannedTags = BannedTags ?? [],
        ExcludeVideoIds = ExcludeVideoIds ?? [],
    };
}

/// <summary>What recommendations for a user take.</summary>
public sealed record RecommendationsQuery : FilterQuery
{
    /// <summary>True: also videos that the user has decided on.</summary>
    [Description("True: also videos that the user has decided on.")]
    [FromQuery(Name = "includeSeen")]
    [DefaultValue(false)]
    public bool? IncludeSeen { get; init; }
}
