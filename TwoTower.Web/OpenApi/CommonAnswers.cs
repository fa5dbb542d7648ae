using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Mvc;
using TwoTower.Web.Requests;

namespace TwoTower.Web.OpenApi;

/// <summary>The answers that an operation can have for what every request is held to, beside its own.</summary>
internal static class CommonAnswers
{
    // A text, a parameter's name or a host; a body's size and its type, which are looked at where none is wanted, too; the URL; the
    // headers; a fault of ours; the database, the deadline or too many at once.
    private static readonly int[] Always = [400, 413, 414, 415, 431, 500, 503];

    // Slow to come: only where it is read.
    private static readonly int[] WithBody = [408];

    public static RouteGroupBuilder WithCommonAnswers(this RouteGroupBuilder group)
    {
        ((IEndpointConventionBuilder)group).Finally(endpoint =>
        {
            var takesBody = endpoint.Metadata.OfType<IAcceptsMetadata>().Any();
            var known = endpoint.Metadata.OfType<IProducesResponseTypeMetadata>().Select(answer => answer.StatusCode).ToHashSet();
            foreach (var status in Always.Concat(takesBody ? WithBody : []).Concat(OfOperators(endpoint)).Where(known.Add))
            {
                endpoint.Metadata.Add(new ProducesResponseTypeMetadata(status, typeof(ProblemDetails), ["application/problem+json"]));
            }
        });
        return group;
    }

    // No key; a database role that may only serve.
    private static int[] OfOperators(EndpointBuilder endpoint) => endpoint.Metadata.OfType<OperatorsOnly>().Any()
        ? endpoint.Metadata.OfType<IHttpMethodMetadata>().Any(methods => methods.HttpMethods.Contains("GET")) ? [401] : [401, 403]
        : [];
}
