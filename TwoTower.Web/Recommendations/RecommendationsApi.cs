using System.ComponentModel;
using Microsoft.AspNetCore.Http.HttpResults;
using TwoTower.Postgres.Serving;
using TwoTower.Web.Requests;

namespace TwoTower.Web.Recommendations;

/// <summary>Recommendations for a user.</summary>
internal static class RecommendationsApi
{
    private const string User = "The user's id; needs no profile.";

    private const string Text =
        "Videos near the user's taste, best first, without those already decided on. A user without likes, known or unknown, "
        + "gets popular and new videos; `strategy` says which it was. A decision posted a moment ago counts.";

    public static void MapRecommendations(this IEndpointRouteBuilder app)
    {
        var lists = app.MapGroup("/v1/users/{userId}").WithTags("Recommendations");
        lists.MapGet("/recommendations", GetAsync).WithName("getRecommendations").WithSummary("Videos for a user").WithDescription(Text);
        lists.MapPost("/recommendations", PostAsync).WithName("postRecommendations").WithSummary("Videos for a user, with the filters in the body")
            .WithDescription($"{Text} The answer of the GET; lists that are too long for a URL go into the body. It changes nothing.")
            .WithMetadata(new BodyBound(BodySize.MostOfList));
    }

    private static Task<Ok<RecommendationsResponse>> GetAsync(
        [Description(User)] Guid userId, [AsParameters] RecommendationsQuery query, RecommendationService service, RequestSlots slots,
        CancellationToken ct) =>
        AnswerAsync(userId, query, service, slots, ct);

    private static Task<Ok<RecommendationsResponse>> PostAsync(
        [Description(User)] Guid userId, RecommendationsQuery? query, RecommendationService service, RequestSlots slots,
        CancellationToken ct) =>
        AnswerAsync(userId, query ?? new(), service, slots, ct);

    private static async Task<Ok<RecommendationsResponse>> AnswerAsync(
        Guid userId, RecommendationsQuery query, RecommendationService service, RequestSlots slots, CancellationToken ct)
    {
        var request = new RecommendationRequest(userId, query.LimitOrDefault, query.IncludeSeen ?? false, query.ToFilter());
        return TypedResults.Ok(
            RecommendationsResponse.From(await slots.RunAsync(expiry => service.RecommendAsync(request, ct: expiry), ct)));
    }
}
