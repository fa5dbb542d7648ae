namespace TwoTower.Postgres.Entities;

/// <summary>
/// A row of <c>public.video_performers</c> where performers are flat. Read <see cref="VideoPerformerName"/> instead: it knows both shapes.
/// </summary>
internal sealed class VideoPerformer
{
    /// <summary>The video.</summary>
    public required Guid VideoId { get; set; }

    /// <summary>The performer.</summary>
    public required string PerformerName { get; set; }
}

/// <summary>A performer of a video, whichever shape the tables have (view <c>two_tower.video_performer_names</c>).</summary>
internal sealed class VideoPerformerName
{
    /// <summary>The video.</summary>
    public Guid VideoId { get; set; }

    /// <summary>Id of the performer; null where performers are flat.</summary>
    public Guid? PerformerId { get; set; }

    /// <summary>The performer.</summary>
    public required string PerformerName { get; set; }
}
