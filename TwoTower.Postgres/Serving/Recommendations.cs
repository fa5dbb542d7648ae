namespace TwoTower.Postgres.Serving;

/// <summary>How an answer was made.</summary>
internal enum Strategy
{
    /// <summary>The user's vector against the videos' vectors of one release.</summary>
    TwoTower,

    /// <summary>No likes to go by: what is liked most and what is new.</summary>
    PopularAndFresh,

    /// <summary>A video's vector against the other videos' of one release.</summary>
    Similar,
}

/// <summary>What to recommend for.</summary>
/// <param name="UserId">The user, known or not.</param>
/// <param name="Limit">Videos wanted, 1..100.</param>
/// <param name="IncludeSeen">True: also videos that the user has decided on.</param>
/// <param name="Filter">Which videos may be shown.</param>
internal sealed record RecommendationRequest(Guid UserId, int Limit, bool IncludeSeen, VideoFilter Filter);

/// <summary>An answer.</summary>
/// <param name="Strategy">How it was made.</param>
/// <param name="ModelVersion">The one release that vector and search were of; null without a model.</param>
/// <param name="AsOf">The time that features, freshness and order are of.</param>
/// <param name="Videos">Best first.</param>
internal sealed record Recommendations(Strategy Strategy, string? ModelVersion, DateTimeOffset AsOf, IReadOnlyList<RecommendedVideo> Videos)
{
    /// <summary>The training of the release whose tower answered; null without a tower, or where nobody traced it.</summary>
    internal string? TraceParent { get; init; }
}

/// <summary>What an answer shows of a video.</summary>
internal sealed record VideoCard
{
    /// <summary>Key of the video.</summary>
    public required Guid Id { get; init; }

    /// <summary>The id that another system knows it by.</summary>
    public string? ExternalId { get; init; }

    /// <summary>Title.</summary>
    public string? Title { get; init; }

    /// <summary>Picture.</summary>
    public string? ThumbnailUrl { get; init; }

    /// <summary>Length in seconds.</summary>
    public int? DurationSeconds { get; init; }

    /// <summary>Price in the catalogue's currency; 0 is free, null unknown.</summary>
    public decimal? Price { get; init; }

    /// <summary>Release.</summary>
    public DateTimeOffset? ReleasedAt { get; init; }

    /// <summary>Tags by name.</summary>
    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>Performers by name.</summary>
    public IReadOnlyList<string> Performers { get; init; } = [];
}

/// <summary>A video that a search found.</summary>
/// <param name="Value">Cosine −1..1, or popularity 0..1.</param>
internal readonly record struct Candidate(VideoCard Video, double Value);

/// <summary>A video of an answer.</summary>
/// <param name="Rank">Place, from 1.</param>
/// <param name="Score">The model's score, a cosine −1..1; null without a model.</param>
/// <param name="Popularity">Share of the most popular video's popularity, 0..1; null with a model.</param>
/// <param name="RankScore">What the answer is ordered by.</param>
/// <param name="Reasons">What it has in common with what the user liked, most liked first.</param>
internal sealed record RecommendedVideo(
    int Rank, VideoCard Video, double? Score, double? Popularity, double RankScore, IReadOnlyList<Reason> Reasons)
{
    /// <summary>Probability of a like, sigmoid(score) (contract, section 5); null without a model.</summary>
    public double? Probability => Score is { } score ? 1 / (1 + Math.Exp(-score)) : null;

    /// <summary>Probability that the user, deciding on the video, likes it, 0..1; null without a model, or where its release has no
    /// calibration.</summary>
    public double? LikeProbability { get; init; }
}

/// <summary>Why a video is in an answer.</summary>
/// <param name="Kind">A tag or a performer.</param>
/// <param name="Likes">Likes of videos that have it.</param>
internal readonly record struct Reason(ReasonKind Kind, string Name, int Likes);

/// <summary>What is shared.</summary>
internal enum ReasonKind
{
    /// <summary>A tag.</summary>
    Tag,

    /// <summary>A performer.</summary>
    Performer,
}
