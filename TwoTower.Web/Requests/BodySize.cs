using Microsoft.AspNetCore.Http.Features;

namespace TwoTower.Web.Requests;

/// <summary>Metadata of an endpoint whose body may be larger than others' because of what it is for; its handler sets the bound.</summary>
internal sealed class LargeBody;

/// <summary>Metadata of an endpoint with a bound of its own.</summary>
/// <param name="Bytes">Bytes of a body.</param>
internal sealed record BodyBound(int Bytes);

/// <summary>Bounds of what a request may bring.</summary>
internal static class BodySize
{
    /// <summary>Bytes of a body.</summary>
    public const int Most = 16 * 1024;

    /// <summary>Bytes of a body that asks for a list: 1,000 ids are 39 KB, and there is room for 200 names.</summary>
    public const int MostOfList = 64 * 1024;

    /// <summary>Characters of a path with its query.</summary>
    public const int MostUrl = 16 * 1024;

    /// <summary>Characters of all headers together.</summary>
    public const int MostHeaders = 16 * 1024;

    // Bytes of a refused body that the server still takes and throws away: a client that is told while it sends may otherwise lose the
    // answer with its connection. Beyond them the connection is closed.
    private const int MostThrownAway = 1024 * 1024;

    /// <summary>Bounds what the server takes of a body that nobody will use.</summary>
    public static void BoundWaste(HttpContext context)
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size) size.MaxRequestBodySize = MostThrownAway;
    }

    /// <summary>The bound of an endpoint.</summary>
    public static int Of(Endpoint endpoint) => endpoint.Metadata.GetMetadata<BodyBound>()?.Bytes ?? Most;

    /// <summary>Says so.</summary>
    public static BadHttpRequestException TooLarge(int most) =>
        new($"The body is too large: {most / 1024} KB are the most here. Send less.", StatusCodes.Status413PayloadTooLarge);
}
