using Microsoft.AspNetCore.Http.Features;

namespace TwoTower.Web.Requests;

/// <summary>
/// HEAD where there is a GET, and OPTIONS wherever there is anything. The server leaves out the body of an answer to a HEAD by itself.
/// Stands before the routing, which goes by the method.
/// </summary>
internal sealed class OtherMethods(RequestDelegate next)
{
    private static readonly object Head = new();

    /// <summary>True where the client sends a HEAD, which its GET answers: a body that costs much needn't be made.</summary>
    public static bool IsHead(HttpContext context) => context.Items.ContainsKey(Head);

    public async Task InvokeAsync(HttpContext context)
    {
        var (request, response) = (context.Request, context.Response);
        var asksForMethods = HttpMethods.IsOptions(request.Method);
        if (asksForMethods && context.Features.Get<IHttpRequestFeature>()?.RawTarget == "*")
        {
            response.StatusCode = StatusCodes.Status204NoContent;
            response.Headers.Allow = "DELETE, GET, HEAD, OPTIONS, POST, PUT";
            return;
        }

        if (HttpMethods.IsHead(request.Method))
        {
            context.Items[Head] = true;
            request.Method = HttpMethods.Get;
        }

        await next(context);
        if (response.StatusCode != StatusCodes.Status405MethodNotAllowed || response.HasStarted) return;
        response.Headers.Allow = Allowed(response.Headers.Allow);
        if (asksForMethods) response.StatusCode = StatusCodes.Status204NoContent;
    }

    private static string Allowed(IEnumerable<string?> byRoute)
    {
        var methods = byRoute.SelectMany(value => value?.Split(',', StringSplitOptions.TrimEntries) ?? []).Append(HttpMethods.Options)
            .ToHashSet();
        if (methods.Contains(HttpMethods.Get)) methods.Add(HttpMethods.Head);
        return string.Join(", ", methods.Order(StringComparer.Ordinal));
    }
}
