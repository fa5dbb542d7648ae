namespace TwoTower.Core.Rows;

/// <summary>A row of <c>user_video_decisions</c> on its way from a file into a database, at whatever time PostgreSQL has.</summary>
/// <param name="VideoId">About what.</param>
/// <param name="Type">What was decided.</param>
/// <param name="CreatedAt">When; not read where <paramref name="Exact"/> is given.</param>
/// <param name="Exact">When, as PostgreSQL writes it, where .NET has no such time.</param>
internal readonly record struct DecisionEntry(Guid UserId, Guid VideoId, DecisionType Type, DateTimeOffset CreatedAt, string? Exact = null);
