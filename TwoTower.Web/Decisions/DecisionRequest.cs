using System.ComponentModel.DataAnnotations;

namespace TwoTower.Web.Decisions;

/// <summary>What a user decided.</summary>
public sealed record DecisionRequest
{
    /// <summary>The user's id; needs no profile.</summary>
    public required Guid UserId { get; init; }

    /// <summary>The video's id.</summary>
    public required Guid VideoId { get; init; }

    /// <summary>like or nope.</summary>
    [Required]
    [AllowedValues("like", "nope", ErrorMessage = "decision must be 'like' or 'nope'.")]
    public required string Decision { get; init; }

    /// <summary>When, with its offset from UTC. Sent again with the same time, a decision is recorded once; left out, it is now.</summary>
    public DateTimeOffset? DecidedAt { get; init; }
}

/// <summary>A decision as it is recorded.</summary>
/// <param name="Decision">like or nope.</param>
/// <param name="DecidedAt">The time that it is recorded under.</param>
internal sealed record DecisionResponse(Guid UserId, Guid VideoId, [property: AllowedValues("like", "nope")] string Decision,
    DateTimeOffset DecidedAt);
