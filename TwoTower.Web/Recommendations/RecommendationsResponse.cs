using System.ComponentModel.DataAnnotations;
using TwoTower.Postgres.Serving;

namespace TwoTower.Web.Recommendations;

/// <summary>Videos, best first.</summary>
/// <param name="Strategy">How they were chosen: two_tower, popular_and_fresh or similar.</param>
/// <param name="ModelVersion">The release that chose them; null for popular_and_fresh.</param>
/// <param name="AsOf">The time that features, freshness and order are of.</param>
internal sealed record RecommendationsResponse(
    [property: AllowedValues("two_tower", "popular_and_fresh", "similar")] string Strategy, string? ModelVersion, DateTimeOffset AsOf,
    IReadOnlyList<RecommendedVideoResponse> Videos)
{
    internal static RecommendationsResponse From(Postgres.Serving.Recommendations answer) => new(
        ServingTelemetry.NameOf(answer.Strategy),
        answer.ModelVersion,
        answer.AsOf,
        [.. answer.Videos.Select(RecommendedVideoResponse.From)]);
}

/// <summary>A recommended video.</summary>
/// <param name="Rank">Place, from 1.</param>
/// <param name="VideoId">Key of the video.</param>
/// <param name="ExternalId">The id that another system knows it by.</param>
/// <param name="DurationSeconds">Length in seconds.</param>
/// <param name="Price">Price; 0 is free, null unknown.</param>
/// <param name="ReleasedAt">Release.</param>
/// <param name="Tags">Tags by name.</param>
/// <param name="Performers">Performers by name.</param>
/// <param name="Score">The model's score, a cosine −1..1; null without a model.</param>
/// <param name="Probability">sigmoid(score): an order, not a rate; null without a model.</param>
/// <param name="LikeProbability">Probability that the user, deciding on the video, likes it, 0..1; null where the release has no
/// calibration.</param>
/// <param name="Popularity">Popularity as a share of the most popular video's, 0..1; null with a model.</param>
/// <param name="RankScore">What the list is ordered by: the score, or score or popularity with recency and price.</param>
/// <param name="Reasons">What it shares with what the user liked.</param>
internal sealed record RecommendedVideoResponse(
    int Rank,
    Guid VideoId,
    string? ExternalId,
    string? Title,
    string? ThumbnailUrl,
    int? DurationSeconds,
    decimal? Price,
    DateTimeOffset? ReleasedAt,
    IReadOnlyList<string> Tags,
    IReadOnlyList<string> Performers,
    double? Score,
    double? Probability,
    double? LikeProbability,
    double? Popularity,
    double RankScore,
    IReadOnlyList<ReasonResponse> Reasons)
{
    internal static RecommendedVideoResponse From(RecommendedVideo video) => new(
        video.Rank, video.Video.Id, video.Video.ExternalId, video.Video.Title, video.Video.ThumbnailUrl, video.Video.DurationSeconds,
        video.Video.Price, video.Video.ReleasedAt, video.Video.Tags, video.Video.Performers, video.Score, video.Probability,
        video.LikeProbability, video.Popularity, video.RankScore,
        [.. video.Reasons.Select(reason => new ReasonResponse(reason.Kind == ReasonKind.Tag ? "tag" : "performer", reason.Name, reason.Likes))]);
}

/// <summary>A reason for a video.</summary>
/// <param name="Kind">tag or performer.</param>
/// <param name="Likes">How many of the user's likes have it.</param>
internal sealed record ReasonResponse([property: AllowedValues("tag", "performer")] string Kind, string Name, int Likes);
