namespace TwoTower.Postgres.Entities;

/// <summary>A row of <c>public.user_video_decisions</c>; may name a user or a video that doesn't exist.</summary>
internal sealed class UserVideoDecision
{
    /// <summary>Who decided.</summary>
    public required Guid UserId { get; set; }

    /// <summary>About which video.</summary>
    public required Guid VideoId { get; set; }

    /// <summary><c>like</c> or <c>nope</c>.</summary>
    public required string DecisionType { get; set; }

    /// <summary>When.</summary>
    public required DateTimeOffset CreatedAt { get; set; }
}
