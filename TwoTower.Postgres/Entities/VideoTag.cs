namespace TwoTower.Postgres.Entities;

/// <summary>A row of <c>public.video_tags</c> where tags are flat. Read <see cref="VideoTagName"/> instead: it knows both shapes.</summary>
internal sealed class VideoTag
{
    /// <summary>The video.</summary>
    public required Guid VideoId { get; set; }

    /// <summary>The tag.</summary>
    public required string TagName { get; set; }
}

/// <summary>A tag of a video, whichever shape the tables have (view <c>two_tower.video_tag_names</c>).</summary>
internal sealed class VideoTagName
{
    /// <summary>The video.</summary>
    public Guid VideoId { get; set; }

    /// <summary>Id of the tag; null where tags are flat or their ids are no UUIDs.</summary>
    public Guid? TagId { get; set; }

    /// <summary>The tag.</summary>
    public required string TagName { get; set; }

    /// <summary>What a search knows the tag by: its id as text, of any type; its name where tags are flat.</summary>
    public required string TagKey { get; set; }
}
