using Microsoft.AspNetCore.Http.HttpResults;
using TwoTower.Core.Rows;
using TwoTower.Postgres.Serving;

namespace TwoTower.Web.Decisions;

/// <summary>Viewers' decisions.</summary>
internal static class DecisionsApi
{
    private static readonly DateTimeOffset Earliest = new(2000, 1, 1, 0, 0, 0, TimeSpan.Zero);

    // A phone's clock may be ahead; a decision of tomorrow is a mistake, and would count as the latest one for a day.
    private static readonly TimeSpan ClockSkew = TimeSpan.FromMinutes(5);

    public static void MapDecisions(this IEndpointRouteBuilder app) =>
        app.MapPost("/v1/decisions", PostAsync)
            .WithName("postDecision")
            .WithTags("Decisions")
            .WithSummary("Record a like or a nope")
            .WithDescription(
                "Counts in the viewer's very next recommendations. 201 when recorded, 200 when the same decision of the same time was there.")
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status409Conflict);

    private static async Task<Results<Created<DecisionResponse>, Ok<DecisionResponse>, ProblemHttpResult>> PostAsync(
        DecisionRequest decision, DecisionStore store, RequestSlots slots, TimeProvider time, CancellationToken ct)
    {
        if (decision.DecidedAt is { } at && (at < Earliest || at > time.GetUtcNow() + ClockSkew))
        {
            return Problem(400, "The decision's time can't be right",
                $"decidedAt {at:O} lies before 2000 or more than {ClockSkew.TotalMinutes:0} minutes ahead: send when the viewer decided, or leave it out.");
        }

        var type = decision.Decision == "like" ? DecisionType.Like : DecisionType.Nope;
        var (outcome, recordedAt) = await slots.RunAsync(
            expiry => store.RecordAsync(decision.UserId, decision.VideoId, type, decision.DecidedAt, expiry), ct);
        var response = new DecisionResponse(decision.UserId, decision.VideoId, decision.Decision, recordedAt);
        return outcome switch
        {
            DecisionOutcome.Recorded => TypedResults.Created((string?)null, response),
            DecisionOutcome.AlreadyThere => TypedResults.Ok(response),
            DecisionOutcome.UnknownVideo => Problem(404, "There is no such video", $"There is no video {decision.VideoId}."),
            _ => Problem(409, "The decision is in conflict with an earlier one",
                $"The table allows no further decision of this viewer on video {decision.VideoId}."),
        };
    }

    private static ProblemHttpResult Problem(int status, string title, string detail) =>
        TypedResults.Problem(statusCode: status, title: title, detail: detail);
}
