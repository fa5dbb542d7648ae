namespace TwoTower.Postgres.Entities;

/// <summary>A row of <c>public.profiles</c>.</summary>
internal sealed class Profile
{
    /// <summary>Key.</summary>
    public required Guid UserId { get; set; }

    /// <summary>Name as shown.</summary>
    public string? DisplayName { get; set; }

    /// <summary>When the account was made.</summary>
    public DateTimeOffset? CreatedAt { get; set; }
}
