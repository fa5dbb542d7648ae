namespace TwoTower.Postgres.Entities;

/// <summary>A row of <c>public.videos</c>.</summary>
internal sealed class Video
{
    /// <summary>Key.</summary>
    public required Guid Id { get; set; }

    /// <summary>The id that another system knows it by.</summary>
    public string? ExternalId { get; set; }

    /// <summary>Title as shown.</summary>
    public string? Title { get; set; }

    /// <summary>Description as shown.</summary>
    public string? Description { get; set; }

    /// <summary>Length in seconds.</summary>
    public int? DurationSeconds { get; set; }

    /// <summary>Address of a small picture.</summary>
    public string? ThumbnailUrl { get; set; }

    /// <summary>Address of a preview.</summary>
    public string? PreviewVideoUrl { get; set; }

    /// <summary>The distributor's code.</summary>
    public string? DistributionCode { get; set; }

    /// <summary>The maker's code.</summary>
    public string? MakerCode { get; set; }

    /// <summary>Director.</summary>
    public string? Director { get; set; }

    /// <summary>Series.</summary>
    public string? Series { get; set; }

    /// <summary>Studio.</summary>
    public string? Maker { get; set; }

    /// <summary>Label.</summary>
    public string? Label { get; set; }

    /// <summary>Price in the catalogue's currency.</summary>
    public decimal? Price { get; set; }

    /// <summary>Start of distribution.</summary>
    public DateTimeOffset? DistributionStartedAt { get; set; }

    /// <summary>Release of the product; what recency is counted from.</summary>
    public DateTimeOffset? ProductReleasedAt { get; set; }

    /// <summary>Address of a sample.</summary>
    public string? SampleVideoUrl { get; set; }

    /// <summary>Addresses of pictures, as JSON.</summary>
    public string? ImageUrls { get; set; }

    /// <summary>Where the row comes from.</summary>
    public string? Source { get; set; }

    /// <summary>When it was published.</summary>
    public DateTimeOffset? PublishedAt { get; set; }

    /// <summary>Address of the product's page.</summary>
    public string? ProductUrl { get; set; }

    /// <summary>When the row was made.</summary>
    public DateTimeOffset? CreatedAt { get; set; }

    /// <summary>0 = for everyone; a request asks for a maximum.</summary>
    public short SafetyLevel { get; set; }

    /// <summary>Regions where it may be shown; none = everywhere.</summary>
    public string[] RegionCodes { get; set; } = [];

    /// <summary>False hides it at once.</summary>
    public bool IsActive { get; set; } = true;
}
