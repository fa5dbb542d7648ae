using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using Microsoft.AspNetCore.Mvc;
using TwoTower.Postgres.Serving;

namespace TwoTower.Web.Recommendations;

/// <summary>The filters that every list of videos takes; they are inside the search, so a list stays as long as was asked for.</summary>
public sealed record FilterQuery
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

    /// <summary>Regions to show in, repeated: <c>regions=JP&amp;regions=US</c>. A video without regions is shown everywhere.</summary>
    [Description("Regions to show in, repeated: regions=JP&regions=US. A video without regions is shown everywhere.")]
    [FromQuery(Name = "regions")]
    [MaxLength(100)]
    public string[]? Regions { get; init; }

    /// <summary>Names of tags that hide a video, repeated.</summary>
    [Description("Names of tags that hide a video, repeated.")]
    [FromQuery(Name = "bannedTags")]
    [MaxLength(100)]
    public string[]? BannedTags { get; init; }

    /// <summary>Ids of videos to leave out, repeated.</summary>
    [Description("Ids of videos to leave out, repeated.")]
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
