namespace TwoTower.Core.Rows;

/// <summary>The columns of <c>videos</c> that the contract names.</summary>
internal static class VideoColumns
{
    /// <summary>Stands for a video's rows of <c>video_tags</c> in <see cref="TableSet.VideoColumns"/>.</summary>
    public const string Tags = "tags";

    /// <summary>Stands for a video's rows of <c>video_performers</c> in <see cref="TableSet.VideoColumns"/>.</summary>
    public const string Performers = "performers";

    /// <summary>Columns with a property of their own in <see cref="VideoRow"/>.</summary>
    public static readonly IReadOnlyList<string> Typed =
    [
        "id", "external_id", "title", "description", "duration_seconds", "maker", "price", "distribution_started_at",
        "product_released_at", "created_at", "safety_level", "region_codes", "is_active",
    ];

    /// <summary>Columns in <see cref="VideoRow.OtherColumns"/>, as text; <c>image_urls</c> is JSON, <c>published_at</c> a time.</summary>
    public static readonly IReadOnlyList<string> Other =
    [
        "thumbnail_url", "preview_video_url", "distribution_code", "maker_code", "director", "series", "label", "sample_video_url",
        "image_urls", "source", "published_at", "product_url",
    ];
}
