using System.ComponentModel;
using Microsoft.AspNetCore.Http.HttpResults;
using TwoTower.Postgres.Serving;
using TwoTower.Web.Recommendations;

namespace TwoTower.Web.Videos;

/// <summary>Videos.</summary>
internal static class VideosApi
{
    public static void MapVideos(this IEndpointRouteBuilder app) =>
        app.MapGet("/v1/videos/{videoId}/similar", GetSimilarAsync)
            .WithName("getSimilarVideos")
            .WithTags("Videos")
            .WithSummary("Videos like a video")
            .WithDescription("The videos nearest to a video by the vectors of the active release, nearest first.")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status409Conflict)
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable);

    private static async Task<Ok<RecommendationsResponse>> GetSimilarAsync(
        [Description("The video's id.")] Guid videoId,
        [AsParameters] FilterQuery query,
        RecommendationService service,
        RequestSlots slots,
        CancellationToken ct) =>
        TypedResults.Ok(RecommendationsResponse.From(await slots.RunAsync(
            expiry => service.SimilarAsync(videoId, query.LimitOrDefault, query.ToFilter(), expiry), ct)));
}
