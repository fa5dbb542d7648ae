namespace TwoTower.Postgres.Serving;

/// <summary>Which videos may be shown (contract, section 9); applied inside the search, so that it returns as many as were asked
/// for.</summary>
internal sealed record VideoFilter
{
    /// <summary>Highest safety level; 0 is for everyone.</summary>
    public int MaxSafetyLevel { get; init; } = 1;

    /// <summary>Regions to show in; a video of no region is allowed everywhere, and so is every video when this is empty.</summary>
    public IReadOnlyList<string> Regions { get; init; } = [];

    /// <summary>Names of tags that hide a video.</summary>
    public IReadOnlyList<string> BannedTags { get; init; } = [];

    /// <summary>Videos not to show.</summary>
    public IReadOnlyList<Guid> ExcludeVideoIds { get; init; } = [];
}
