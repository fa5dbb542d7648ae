using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Options;
using TwoTower.Web.Settings;

namespace TwoTower.Web.Problems;

/// <summary>Every error is a problem document (RFC 9457).</summary>
internal static class ProblemExtensions
{
    public static void AddProblems(this IServiceCollection services)
    {
        services.AddSingleton<IProblemDetailsWriter, ProblemWriter>(); // before the framework's, which asks for Accept
        services.AddProblemDetails(options => options.CustomizeProblemDetails = Complete);
        services.AddExceptionHandler<ProblemHandler>();

        // In every environment the same: a parameter that can't be read reaches the handler with its name and value.
        services.Configure<RouteHandlerOptions>(options => options.ThrowOnBadRequest = true);
    }

    private static string WhereToLook(HttpContext context) =>
        context.RequestServices.GetRequiredService<IOptions<ApiOptions>>().Value switch
        {
            { OpenApi: false } => "",
            { Docs: false } => " The paths are in /openapi/v1.json.",
            _ => " The paths are in /openapi/v1.json, readable at /docs.",
        };

    // What the framework answers by itself has a status only.
    private static void Complete(ProblemDetailsContext context)
    {
        var problem = context.ProblemDetails;
        problem.Detail ??= problem.Status switch
        {
            StatusCodes.Status404NotFound => $"There is nothing at this path.{WhereToLook(context.HttpContext)}",
            StatusCodes.Status405MethodNotAllowed => $"{context.HttpContext.Request.Method} isn't possible here; the header Allow says what is.",
            StatusCodes.Status415UnsupportedMediaType when context.HttpContext.Request.Path.StartsWithSegments("/v1/releases") =>
                "The body must be a bundle as a tar file: send it with Content-Type: application/x-tar.",
            StatusCodes.Status415UnsupportedMediaType => "The body must be JSON in UTF-8: send it with Content-Type: application/json.",
            _ => null,
        };
        var status = problem.Status ??= context.HttpContext.Response.StatusCode;
        if (problem is HttpValidationProblemDetails)
        {
            var unusable = ProblemKind.UnusableRequest.With(problem.Detail ?? "The member errors says what is wrong, by name.");
            (problem.Type, problem.Title, problem.Detail) = (unusable.Type, unusable.Title, unusable.Detail);
        }

        problem.Title ??= ReasonPhrases.GetReasonPhrase(status);
        if (problem.Type?.StartsWith(ProblemKind.Prefix, StringComparison.Ordinal) != true) problem.Type = ProblemKind.TypeOf(status);
        if (status == StatusCodes.Status503ServiceUnavailable)
        {
            context.HttpContext.Response.Headers.RetryAfter = context.HttpContext.RequestServices
                .GetRequiredService<IOptions<ApiOptions>>().Value.RetryAfterSeconds.ToString(CultureInfo.InvariantCulture);
        }

        if (problem is HttpValidationProblemDetails { Errors: { Count: > 0 } errors } invalid)
        {
            invalid.Errors = errors.ToDictionary(error => JsonNamingPolicy.CamelCase.ConvertName(error.Key), error => error.Value);
        }
    }
}
