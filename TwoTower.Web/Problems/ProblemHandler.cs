using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Mvc;
using TwoTower.Core;
using TwoTower.Postgres.Connections;
using TwoTower.Postgres.Serving;

namespace TwoTower.Web.Problems;

/// <summary>Turns what went wrong into a problem document that says what was wrong and what to do.</summary>
internal sealed class ProblemHandler(
    IProblemDetailsService problems, TimeProvider time, ILogger<ProblemHandler> logger) : IExceptionHandler
{
    private readonly RepeatedLines _unanswered = new(time);

    public async ValueTask<bool> TryHandleAsync(HttpContext httpContext, Exception exception, CancellationToken cancellationToken)
    {
        if (exception is OperationCanceledException && httpContext.RequestAborted.IsCancellationRequested)
        {
            // Nobody is there to read an answer.
            httpContext.Response.StatusCode = StatusCodes.Status499ClientClosedRequest;
            return true;
        }

        var problem = Describe(exception,
            httpContext.Features.Get<IExceptionHandlerFeature>()?.Endpoint?.Metadata.GetMetadata<IAcceptsMetadata>()?.RequestType);
        if (problem.Status == StatusCodes.Status503ServiceUnavailable)
        {
            // Why a release can't be used is for its operator; a database that is away needs no stack.
            var cause = exception is RecommendationException { InnerException: not InputException } ? exception.InnerException : null;
            // Two releases, or two causes, are told apart; what a client sends is in none of it.
            var kind = exception is RecommendationException ? $"{exception.Message} {cause?.GetType()}" : problem.Title!;
            if (_unanswered.Take(kind) is { } before)
            {
                logger.LogWarning(
                    cause, "No answer: {Detail} {Reason}{Before}", problem.Detail, exception.Message, before > 0 ? $" ({before} more like it before)" : "");
            }
        }
        else if (problem.Status == StatusCodes.Status500InternalServerError)
        {
            logger.LogError(exception, "A request failed");
        }

        httpContext.Response.StatusCode = problem.Status!.Value;
        return await problems.TryWriteAsync(new ProblemDetailsContext { HttpContext = httpContext, ProblemDetails = problem });
    }

    private static ProblemDetails Describe(Exception exception, Type? body) => exception switch
    {
        BadHttpRequestException bad => new()
        {
            Status = bad.StatusCode,
            Title = "The request can't be read",
            Detail = BadRequest.Explain(bad, body),
        },
        InputException input => ProblemKind.UnusableRequest.With(input.Message),
        RecommendationException { Why: NoAnswer.UnknownVideo } unknown => ProblemKind.UnknownVideo.With(unknown.Message),
        RecommendationException { Why: NoAnswer.VideoWithoutVector } pending => ProblemKind.VideoWithoutVector.With(pending.Message),
        RequestShedException { Why: Shed.Overloaded } shed => ProblemKind.Overloaded.With($"{shed.Message} Try again after the time in Retry-After."),
        RequestShedException late => ProblemKind.OutOfTime.With($"{late.Message} Try again after the time in Retry-After, or ask for less."),
        _ when DatabaseErrors.FaultOf(exception) == DatabaseFault.Cancelled =>
            ProblemKind.OutOfTime.With("The database ended it at the deadline. Try again after the time in Retry-After, or ask for less."),
        RecommendationException none => ProblemKind.NoUsableRelease.With(none.Message),
        _ when DatabaseErrors.FaultOf(exception) == DatabaseFault.NotMigrated =>
            ProblemKind.DatabaseNotMigrated.With("Run 'twotower db migrate' on it."),
        _ when DatabaseErrors.IsPassing(exception) =>
            ProblemKind.DatabaseAway.With("It doesn't answer at the moment. Try again after the time in Retry-After."),
        _ => ProblemKind.InternalError.With("The error is in the log of the service."),
    };
}
