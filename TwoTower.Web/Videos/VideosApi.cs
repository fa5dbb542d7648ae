using System.ComponentModel;
using Microsoft.AspNetCore.Http.HttpResults;
using TwoTower.Postgres.Serving;
using TwoTower.Web.Recommendations;
using TwoTower.Web.Requests;

namespace TwoTower.Web.Videos;

/// <summary>Videos.</summary>
internal static class VideosApi
{
    private const string Video = "The video's id.",
        Text = "The videos nearest to a video by the vectors of the active release, nearest first.";

    public static void MapVideos(this IEndpointRouteBuilder app)
    {
        var lists = app.MapGroup("/v1/videos/{videoId}").WithTags("Videos")
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status409Conflict);
        lists.MapGet("/similar", GetSimilarAsync).WithName("getSimilarVideos").WithSummary("Videos like a video").WithDescription(Text);
        lists.MapPost("/similar", PostSimilarAsync).WithName("postSimilarVideos").WithSummary("Videos like a video, with the filters in the body")
            .WithDescription($"{Text} The answer of the GET; lists that are too long for a URL go into the body. It changes nothing.")
            .WithMetadata(new BodyBound(BodySize.MostOfList));
    }

    private static Task<Ok<RecommendationsResponse>> GetSimilarAsync(
        [Description(Video)] Guid videoId, [AsParameters] FilterQuery query, RecommendationService service, RequestSlots slots,
        CancellationToken ct) =>
        AnswerAsync(videoId, query, service, slots, ct);

    private static Task<Ok<RecommendationsResponse>> PostSimilarAsync(
        [Description(Video)] Guid videoId, FilterQuery? query, RecommendationService service, RequestSlots slots, CancellationToken ct) =>
        AnswerAsync(videoId, query ?? new(), service, slots, ct);

    private static async Task<Ok<RecommendationsResponse>> AnswerAsync(
        Guid videoId, FilterQuery query, RecommendationService service, RequestSlots slots, CancellationToken ct) =>
        TypedResults.Ok(RecommendationsResponse.From(await slots.RunAsync(
            expiry => service.SimilarAsync(videoId, query.LimitOrDefault, query.ToFilter(), expiry), ct)));
}
