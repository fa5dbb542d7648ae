using System.ComponentModel;
using Microsoft.AspNetCore.Http.HttpResults;
using TwoTower.Postgres.Serving;

namespace TwoTower.Web.Recommendations;

/// <summary>Recommendations for a viewer.</summary>
internal static class RecommendationsApi
{
    public static void MapRecommendations(this IEndpointRouteBuilder app) =>
        app.MapGet("/v1/users/{userId}/recommendations", GetAsync)
            .WithName("getRecommendations")
            .WithTags("Recommendations")
            .WithSummary("Videos for a viewer")
            .WithDescription(
                "Videos near the viewer's taste, best first, without those already decided on. A viewer without likes, known or unknown, "
                + "gets popular and new videos; `strategy` says which it was. A decision posted a moment ago counts.")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable);

    private static async Task<Ok<RecommendationsResponse>> GetAsync(
        [Description("The viewer's id; needs no profile.")] Guid userId,
        [AsParameters] FilterQuery query,
        [Description("True: also videos that the viewer has decided on.")] bool? includeSeen,
        RecommendationService service,
        RequestSlots slots,
        CancellationToken ct)
    {
        var request = new RecommendationRequest(userId, query.LimitOrDefault, includeSeen ?? false, query.ToFilter());
        return TypedResults.Ok(RecommendationsResponse.From(await slots.RunAsync(expiry => service.RecommendAsync(request, ct: expiry), ct)));
    }
}
