using System.Globalization;
using Microsoft.AspNetCore.Http.HttpResults;
using TwoTower.Core.Rows;
using TwoTower.Postgres.Serving;
using TwoTower.Web.Problems;

namespace TwoTower.Web.Decisions;

/// <summary>Users' decisions.</summary>
internal static class DecisionsApi
{
    private static readonly DateTimeOffset Earliest = new(2000, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public static void MapDecisions(this IEndpointRouteBuilder app) =>
        app.MapPost("/v1/decisions", PostAsync)
            .WithName("postDecision")
            .WithTags("Decisions")
            .WithSummary("Record a like or a nope")
            .WithDescription(
                "Counts in the user's very next recommendations. 201 when recorded, 200 when the same decision of the same time was there.")
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status409Conflict)
            .ProducesProblem(StatusCodes.Status429TooManyRequests);

    private static async Task<Results<Created<DecisionResponse>, Ok<DecisionResponse>, ProblemHttpResult>> PostAsync(
        DecisionRequest decision, DecisionStore store, RequestSlots slots, DecisionLimit limit, HttpResponse http, CancellationToken ct)
    {
        if (limit.Take(decision.UserId) is { } wait)
        {
            http.Headers.RetryAfter = Math.Max(1, Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
            return ProblemKind.TooManyDecisions.Answer(
                $"User {decision.UserId} has posted as many decisions as a minute allows (TwoTower:Limits:DecisionsPerMinute). "
                + "Send this one again after the time in Retry-After.");
        }

        if (decision.DecidedAt < Earliest) return Impossible(decision);
        var type = decision.Decision == "like" ? DecisionType.Like : DecisionType.Nope;
        var (outcome, recordedAt) = await slots.RunAsync(
            expiry => store.RecordAsync(decision.UserId, decision.VideoId, type, decision.DecidedAt, expiry), ct);
        var response = new DecisionResponse(decision.UserId, decision.VideoId, decision.Decision, recordedAt);
        return outcome switch
        {
            DecisionOutcome.Recorded => TypedResults.Created((string?)null, response),
            DecisionOutcome.AlreadyThere => TypedResults.Ok(response),
            DecisionOutcome.InTheFuture => Impossible(decision),
            DecisionOutcome.UnknownVideo => ProblemKind.UnknownVideo.Answer($"There is no video {decision.VideoId}."),
            _ => ProblemKind.ConflictingDecision.Answer($"The table allows no further decision of this user on video {decision.VideoId}."),
        };
    }

    private static ProblemHttpResult Impossible(DecisionRequest decision) => ProblemKind.ImpossibleTime.Answer(
        $"decidedAt {decision.DecidedAt:O} lies before 2000 or more than 5 minutes ahead of the database's clock: send when the user decided, or leave it out.");
}
