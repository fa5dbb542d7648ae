using Npgsql;
using TwoTower.Core;
using TwoTower.Postgres.Connections;
using TwoTower.Web.Problems;

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
            return ProblemKind.NotAllowedByDatabase.Answer($"{e.MessageText}: its role serves only. Do it with 'twotower releases' and the role that migrated.");
        }
        catch (InputException e) when (DatabaseErrors.RuleOf(e) == DatabaseRules.NoRelease)
        {
            return ProblemKind.UnknownRelease.Answer(e.Message);
        }
        catch (InputException e) when (DatabaseErrors.RuleOf(e) == DatabaseRules.NoExperiment)
        {
            return ProblemKind.UnknownExperiment.Answer(e.Message);
        }
        catch (InputException e) when (DatabaseErrors.RuleOf(e) == DatabaseRules.OtherExperiment)
        {
            return ProblemKind.ExperimentInTheWay.Answer(e.Message);
        }
        catch (InputException e)
            when (DatabaseErrors.RuleOf(e) is { } rule && rule.StartsWith(DatabaseRules.Registry, StringComparison.Ordinal))
        {
            return ProblemKind.ReleaseState.Answer(e.Message);
        }
    }
}
