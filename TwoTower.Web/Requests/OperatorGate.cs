using TwoTower.Web.Problems;

namespace TwoTower.Web.Requests;

/// <summary>Metadata of an endpoint that is for operators only.</summary>
internal sealed class OperatorsOnly;

/// <summary>
/// Lets only operators through to their paths, before a byte of the body is read: <c>Authorization: Bearer KEY</c>, compared in constant
/// time, never logged. A wrong key is logged, and its answer takes a moment.
/// </summary>
internal sealed partial class OperatorGate(
    RequestDelegate next, Operators operators, IProblemDetailsService problems, TimeProvider time, ILogger<OperatorGate> log)
{
    private const string Scheme = "Bearer ";

    /// <summary>How long a wrong key waits for its answer.</summary>
    internal static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(500);

    public async Task InvokeAsync(HttpContext context)
    {
        if (context.GetEndpoint()?.Metadata.GetMetadata<OperatorsOnly>() is null)
        {
            await next(context);
            return;
        }

        var header = context.Request.Headers.Authorization.ToString();
        var given = header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) ? header[Scheme.Length..].Trim() : "";
        if (operators.Find(given) is { } caller)
        {
            context.User = caller;
            await next(context);
            return;
        }

        BodySize.BoundWaste(context);
        if (given.Length > 0)
        {
            LogWrongKey(context.Connection.RemoteIpAddress?.ToString(), context.Request.Method, context.GetEndpoint()!.DisplayName);
            await Task.Delay(Moment, time, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        context.Response.Headers.WWWAuthenticate = "Bearer";
        context.Response.StatusCode = StatusCodes.Status401Unauthorized;
        await problems.WriteAsync(new()
        {
            HttpContext = context,
            ProblemDetails = ProblemKind.OperatorKeyNeeded.With(
                "Send Authorization: Bearer with your key of TwoTower:Operators, or with that of TwoTower:Api:OperatorKey."),
        });
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "A wrong operator's key came from {Address}: {Method} {Operation}")]
    private partial void LogWrongKey(string? address, string method, string? operation);
}
