namespace TwoTower.Web.Requests;

/// <summary>Metadata of an endpoint that answers with a page, and what the page may load.</summary>
/// <param name="Of">Makes the Content-Security-Policy of an answer.</param>
internal sealed record ContentSecurityPolicy(Func<HttpContext, string> Of)
{
    /// <summary>For what isn't a page: whatever takes it for one shows and runs nothing.</summary>
    public const string Nothing = "default-src 'none'; frame-ancestors 'none'";
}

/// <summary>
/// Headers of every answer, errors too: it is one user's, nobody guesses its type, and its address, which has ids in it, goes nowhere.
/// </summary>
internal sealed class AnswerHeaders(RequestDelegate next)
{
    public Task InvokeAsync(HttpContext context)
    {
        // At the start of the answer, since an error throws away what was set before.
        context.Response.OnStarting(Set, context);
        return next(context);
    }

    private static Task Set(object state)
    {
        var context = (HttpContext)state;
        var headers = context.Response.Headers;
        headers.CacheControl = "private, no-store";
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer";
        headers.ContentSecurityPolicy =
            context.GetEndpoint()?.Metadata.GetMetadata<ContentSecurityPolicy>()?.Of(context) ?? ContentSecurityPolicy.Nothing;

        // Of the health checks, for caches of before HTTP/1.1.
        headers.Remove("Pragma");
        headers.Remove("Expires");
        return Task.CompletedTask;
    }
}
