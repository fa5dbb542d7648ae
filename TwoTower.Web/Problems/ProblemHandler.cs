using System.Globalization;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Options;
using TwoTower.Core;
using TwoTower.Postgres.Connections;
using TwoTower.Postgres.Serving;
using TwoTower.Web.Settings;

namespace TwoTower.Web.Problems;

/// <summary>Turns what went wrong into a problem document that says what was wrong and what to do.</summary>
internal sealed class ProblemHandler(
    IProblemDetailsService problems, IOptions<ApiOptions> options, TimeProvider time, ILogger<ProblemHandler> logger) : IExceptionHandler
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

            httpContext.Response.Headers.RetryAfter = options.Value.RetryAfterSeconds.ToString(CultureInfo.InvariantCulture);
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
        BadHttpRequestException bad => Problem(bad.StatusCode, "The request can't be read", BadRequest.Explain(bad, body)),
        InputException input => Problem(400, "The request can't be used", input.Message),
        RecommendationException { Why: NoAnswer.UnknownVideo } unknown => Problem(404, "There is no such video", unknown.Message),
        RecommendationException { Why: NoAnswer.VideoWithoutVector } pending => Problem(409, "The video has no vector yet", pending.Message),
        RequestShedException { Why: Shed.Overloaded } shed => Problem(503, "Too many requests at once", $"{shed.Message} Try again after the time in Retry-After."),
        RequestShedException late => Problem(503, "The answer took too long", $"{late.Message} Try again after the time in Retry-After, or ask for less."),
        _ when DatabaseErrors.FaultOf(exception) == DatabaseFault.Cancelled =>
            Problem(503, "The answer took too long", "The database ended it at the deadline. Try again after the time in Retry-After, or ask for less."),
        RecommendationException none => Problem(503, "No usable release", none.Message),
        _ when DatabaseErrors.FaultOf(exception) == DatabaseFault.NotMigrated =>
            Problem(503, "The database isn't migrated", "Run 'twotower db migrate' on it."),
        _ when DatabaseErrors.IsPassing(exception) =>
            Problem(503, "The database is away", "It doesn't answer at the moment. Try again after the time in Retry-After."),
        _ => Problem(500, "An error occurred", "The error is in the log of the service."),
    };

    private static ProblemDetails Problem(int status, string title, string detail) =>
        new() { Status = status, Title = title, Detail = detail };
}
