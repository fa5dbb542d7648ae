using System.Net.Http.Headers;
using TwoTower.Core;

namespace TwoTower.Web.Requests;

/// <summary>What is looked at once the path is known and before a body is read: sizes, texts, the names of parameters, the body's
/// type.</summary>
internal sealed class RequestGuard(RequestDelegate next, KnownParameters known)
{
    public Task InvokeAsync(HttpContext context)
    {
        var request = context.Request;
        if (request.Path.Value!.Length + (request.QueryString.Value?.Length ?? 0) > BodySize.MostUrl)
        {
            throw new BadHttpRequestException($"The path and its query have more than {BodySize.MostUrl:N0} characters: send long lists in the body of a POST.", StatusCodes.Status414UriTooLong);
        }

        if (request.Headers.Sum(header => header.Key.Length + header.Value.Sum(value => value?.Length ?? 0)) > BodySize.MostHeaders)
        {
            throw new BadHttpRequestException($"The headers have more than {BodySize.MostHeaders:N0} characters.", StatusCodes.Status431RequestHeaderFieldsTooLarge);
        }

        CheckTexts(context);
        if (context.GetEndpoint() is { } endpoint)
        {
            known.Check(endpoint, request);
            if (endpoint.Metadata.GetMetadata<LargeBody>() is null) BoundBody(context, BodySize.Of(endpoint));
        }

        return next(context);
    }

    private static void CheckTexts(HttpContext context)
    {
        foreach (var (name, value) in context.Request.RouteValues)
        {
            if (value is string text && RequestText.Refuse(text) is { } reason) throw new InputException($"{name} {reason}");
        }

        foreach (var (name, values) in context.Request.Query)
        {
            if (RequestText.Refuse(name) is { } unnamed) throw new InputException($"The name of a parameter {unnamed}");
            foreach (var value in values)
            {
                if (value is not null && RequestText.Refuse(value) is { } reason) throw new InputException($"{name} {reason}");
            }
        }
    }

    private static void BoundBody(HttpContext context, int most)
    {
        BodySize.BoundWaste(context);
        if (context.Request.ContentLength > most) throw BodySize.TooLarge(most);
        if (context.Request.ContentLength is null) context.Request.Body = new BoundedBody(context.Request.Body, most);

        if (context.Request.ContentType is not { Length: > 0 } type) return;
        if (!MediaTypeHeaderValue.TryParse(type, out var media)) throw Unsupported();
        if (media.CharSet is not { } charset) return;
        if (!charset.Trim('"').Replace("-", "", StringComparison.Ordinal).Equals("utf8", StringComparison.OrdinalIgnoreCase)) throw Unsupported();

        // The reader of bodies knows UTF-8 by one spelling only.
        context.Request.ContentType = media.MediaType;
    }

    private static BadHttpRequestException Unsupported() =>
        new("The body must be JSON in UTF-8: send it with Content-Type: application/json.", StatusCodes.Status415UnsupportedMediaType);
}
