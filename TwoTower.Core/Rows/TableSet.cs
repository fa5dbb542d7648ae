namespace TwoTower.Core.Rows;

/// <summary>The rows of the public tables in memory: what an import brings, what training reads, what the generator makes.</summary>
/// <param name="Profiles">Rows of <c>profiles</c>.</param>
/// <param name="Videos">Rows of <c>videos</c>, each with its tags and performers.</param>
/// <param name="Decisions">Rows of <c>user_video_decisions</c>; may name a user or a video that doesn't exist.</param>
public sealed record TableSet(
    IReadOnlyList<ProfileRow> Profiles,
    IReadOnlyList<VideoRow> Videos,
    IReadOnlyList<DecisionRow> Decisions)
{
    /// <summary>
    /// What the source has of a video: column names, and <see cref="VideoColumns.Tags"/> and <see cref="VideoColumns.Performers"/> for the
    /// two tables. Writing leaves the rest of a row that is there already as it is. Null: everything.
    /// </summary>
    public IReadOnlySet<string>? VideoColumns { get; init; }

    /// <summary>What the source has of a profile; writing leaves the rest of a row that is there already as it is. Null:
    /// everything.</summary>
    public IReadOnlySet<string>? ProfileColumns { get; init; }

    /// <summary>Decisions at times that PostgreSQL has and .NET hasn't (infinity, BC). Written with the others; no model learns from
    /// them.</summary>
    public IReadOnlyList<ExactDecision> ExactDecisions { get; init; } = [];

    /// <summary>True when the source has this of a video.</summary>
    public bool HasVideoColumn(string column) => VideoColumns is null || VideoColumns.Contains(column);

    /// <summary>The same with the latest decisions of each user only, in their order: what a request would read of the user.</summary>
    /// <param name="most">How many of each user; recipe key <c>features.max_decisions</c>.</param>
    public TableSet WithLatestDecisions(int most)
    {
        var heavy =
            Decisions.CountBy(decision => decision.UserId).Where(count => count.Value > most).Select(count => count.Key).ToHashSet();
        if (heavy.Count == 0) return this;
        var kept = Decisions.Where(decision => heavy.Contains(decision.UserId)).GroupBy(decision => decision.UserId).SelectMany(user => user
            .OrderByDescending(decision => decision.CreatedAt).ThenBy(decision => decision.VideoId).ThenByDescending(
                decision => decision.Type).Take(most)).ToHashSet();
        return this with { Decisions = [.. Decisions.Where(decision => !heavy.Contains(decision.UserId) || kept.Contains(decision))] };
    }

    /// <summary>The same with these vectors of the videos only: what a recipe doesn't name isn't part of its training.</summary>
    public TableSet WithVideoFeatures(IReadOnlyCollection<string>? names) => this with
    {
        Videos = [.. Videos.Select(video => video.VideoFeatures.Keys.All(name => names?.Contains(name) == true)
            ? video
            : video with { VideoFeatures = video.VideoFeatures.Where(vector => names?.Contains(vector.Key) == true).ToDictionary() })],
    };
}

/// <summary>A row of <c>profiles</c>.</summary>
public sealed record ProfileRow(Guid UserId, string? DisplayName, DateTimeOffset? CreatedAt)
{
    /// <summary><see cref="CreatedAt"/> as PostgreSQL writes it, where .NET has no such time.</summary>
    public string? ExactCreatedAt { get; init; }

    /// <summary>The number or text that <see cref="UserId"/> was made from, where it is none of the source's own.</summary>
    public string? GivenId { get; init; }
}

/// <summary>A row of <c>user_video_decisions</c> whose time .NET can't hold.</summary>
/// <param name="VideoId">About what.</param>
/// <param name="Type">What was decided.</param>
/// <param name="CreatedAt">When, as PostgreSQL writes it.</param>
public sealed record ExactDecision(Guid UserId, Guid VideoId, DecisionType Type, string CreatedAt);

/// <summary>What a user decided about a video.</summary>
public enum DecisionType : byte
{
    /// <summary>The user did not want it: label 0.</summary>
    Nope = 0,

    /// <summary>The user liked it: label 1.</summary>
    Like = 1,
}

/// <summary>A row of <c>user_video_decisions</c>; a struct, because a training set holds millions.</summary>
public readonly record struct DecisionRow(Guid UserId, Guid VideoId, DecisionType Type, DateTimeOffset CreatedAt);

/// <summary>A row of <c>videos</c> with its rows of <c>video_tags</c> and <c>video_performers</c>.</summary>
public sealed record VideoRow
{
    private static readonly Dictionary<string, float[]> NoVectors = [];
    private static readonly Dictionary<string, string?> NoTexts = [];

    /// <summary>Key.</summary>
    public required Guid Id { get; init; }

    /// <summary>The id that another system knows it by, such as <c>ml:1</c>.</summary>
    public string? ExternalId { get; init; }

    /// <summary>The number or text that <see cref="Id"/> was made from, where it is none of the source's own.</summary>
    public string? GivenId { get; init; }

    /// <summary>Title as shown.</summary>
    public string? Title { get; init; }

    /// <summary>Description as shown.</summary>
    public string? Description { get; init; }

    /// <summary>Length in seconds.</summary>
    public int? DurationSeconds { get; init; }

    /// <summary>Studio or director, as the catalogue says.</summary>
    public string? Maker { get; init; }

    /// <summary>Price in the catalogue's currency.</summary>
    public decimal? Price { get; init; }

    /// <summary>Start of distribution.</summary>
    public DateTimeOffset? DistributionStartedAt { get; init; }

    /// <summary>Release of the product; what recency is counted from.</summary>
    public DateTimeOffset? ProductReleasedAt { get; init; }

    /// <summary>When the row was made.</summary>
    public DateTimeOffset? CreatedAt { get; init; }

    /// <summary>0 = for everyone; a request asks for a maximum.</summary>
    public short SafetyLevel { get; init; }

    /// <summary>Regions where it may be shown; none = everywhere.</summary>
    public IReadOnlyList<string> RegionCodes { get; init; } = [];

    /// <summary>False hides it at once.</summary>
    public bool IsActive { get; init; } = true;

    /// <summary>Its tags, no repeats.</summary>
    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>Its performers, no repeats.</summary>
    public IReadOnlyList<string> Performers { get; init; } = [];

    /// <summary>Vectors of it that another program made, by name (<c>two_tower.video_features</c>); all of a name are of one
    /// length.</summary>
    public IReadOnlyDictionary<string, float[]> VideoFeatures { get; init; } = NoVectors;

    /// <summary>
    /// By column, what PostgreSQL is to be given where a property can't hold it: NULL for a safety level, regions or activity that nobody
    /// has set, or the text of a time, a number or an array.
    /// </summary>
    public IReadOnlyDictionary<string, string?> Exact { get; init; } = NoTexts;

    /// <summary>Every other text column of <c>videos</c> that the contract names, by column name; absent = NULL.</summary>
    public IReadOnlyDictionary<string, string> OtherColumns { get; init; } = new Dictionary<string, string>();
}
