using System.Text.Json;
using Microsoft.Extensions.Options;

namespace TwoTower.Web.Problems;

/// <summary>Writes problem documents whatever the header Accept asks for: an error that can't be read is worse than one of another
/// type.</summary>
internal sealed class ProblemWriter(
    IOptions<ProblemDetailsOptions> problems, IOptions<Microsoft.AspNetCore.Http.Json.JsonOptions> json) : IProblemDetailsWriter
{
    public bool CanWrite(ProblemDetailsContext context) => true;

    public async ValueTask WriteAsync(ProblemDetailsContext context)
    {
        var (problem, http) = (context.ProblemDetails, context.HttpContext);
        problem.Status ??= http.Response.StatusCode;
        problem.Extensions["traceId"] = System.Diagnostics.Activity.Current?.Id ?? http.TraceIdentifier;
        problems.Value.CustomizeProblemDetails?.Invoke(context);
        http.Response.ContentType = "application/problem+json";
        await using var buffer = new MemoryStream();
        await JsonSerializer.SerializeAsync(buffer, problem, problem.GetType(), json.Value.SerializerOptions, http.RequestAborted);
        if (HttpMethods.IsHead(http.Request.Method)) return;
        http.Response.ContentLength = buffer.Length;
        buffer.Position = 0;
        await buffer.CopyToAsync(http.Response.Body, http.RequestAborted);
    }
}
