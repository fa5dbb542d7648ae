using Npgsql;
using TwoTower.Core;
using TwoTower.Postgres.Connections;

namespace TwoTower.Web.Releases;

/// <summary>Gives the registry's refusals their status: 404 for no such release, 409 for what its state doesn't allow.</summary>
internal sealed class RegistryRefusals : IEndpointFilter
{
    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        try
        {
            return await next(context);
        }
        catch (PostgresException e) when (DatabaseErrors.FaultOf(e) == DatabaseFault.Denied)
        {
            return Problem(403, "The API's database role may not do that", $"{e.MessageText}: its role serves only. Do it with 'twotower releases' and the role that migrated.");
        }
        catch (InputException e) when (DatabaseErrors.RuleOf(e) == DatabaseRules.NoRelease)
        {
            return Problem(404, "There is no such release", e.Message);
        }
        catch (InputException e) when (DatabaseErrors.RuleOf(e) == DatabaseRules.NoExperiment)
        {
            return Problem(404, "There is no such experiment", e.Message);
        }
        catch (InputException e) when (DatabaseErrors.RuleOf(e) == DatabaseRules.OtherExperiment)
        {
            return Problem(409, "Another experiment is in the way", e.Message);
        }
        catch (InputException e)
            when (DatabaseErrors.RuleOf(e) is { } rule && rule.StartsWith(DatabaseRules.Registry, StringComparison.Ordinal))
        {
            return Problem(409, "The release's state doesn't allow it", e.Message);
        }
    }

    private static Microsoft.AspNetCore.Http.HttpResults.ProblemHttpResult Problem(int status, string title, string detail) =>
        TypedResults.Problem(statusCode: status, title: title, detail: detail);
}
