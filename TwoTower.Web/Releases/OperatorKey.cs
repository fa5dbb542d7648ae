using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;
using Npgsql;
using TwoTower.Core;
using TwoTower.Web.Settings;

namespace TwoTower.Web.Releases;

/// <summary>
/// Lets only operators through: <c>Authorization: Bearer KEY</c>, compared in constant time, never logged. Also gives the registry's
/// refusals their status: 404 for no such release, 409 for what its state doesn't allow.
/// </summary>
internal sealed class OperatorKey(IOptions<ApiOptions> options) : IEndpointFilter
{
    private const string Scheme = "Bearer ";

    // Hashes are of one length: neither the key's length nor its beginning can be felt out.
    private readonly byte[] _key = Hash(options.Value.OperatorKey ?? throw new InvalidOperationException("No operator key is configured."));

    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var header = context.HttpContext.Request.Headers.Authorization.ToString();
        if (!header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)
            || !CryptographicOperations.FixedTimeEquals(Hash(header[Scheme.Length..].Trim()), _key))
        {
            context.HttpContext.Response.Headers.WWWAuthenticate = "Bearer";
            return Problem(401, "An operator's key is needed", "Send Authorization: Bearer with the key that TwoTower:Api:OperatorKey has.");
        }

        try
        {
            return await next(context);
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.InsufficientPrivilege)
        {
            return Problem(403, "The API's database role may not do that", $"{e.MessageText}: its role serves only. Do it with 'twotower releases' and the role that migrated.");
        }
        catch (InputException e) when (e.InnerException is PostgresException { SqlState: "TT104" })
        {
            return Problem(404, "There is no such release", e.Message);
        }
        catch (InputException e) when (e.InnerException is PostgresException { SqlState: "TT108" })
        {
            return Problem(404, "There is no such experiment", e.Message);
        }
        catch (InputException e) when (e.InnerException is PostgresException { SqlState: "TT107" })
        {
            return Problem(409, "Another experiment is in the way", e.Message);
        }
        catch (InputException e) when (e.InnerException is PostgresException { SqlState: ['T', 'T', '1', ..] })
        {
            return Problem(409, "The release's state doesn't allow it", e.Message);
        }
    }

    private static Microsoft.AspNetCore.Http.HttpResults.ProblemHttpResult Problem(int status, string title, string detail) => TypedResults.Problem(statusCode: status, title: title, detail: detail);

    private static byte[] Hash(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));
}
