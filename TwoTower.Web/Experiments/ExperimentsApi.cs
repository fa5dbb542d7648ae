using System.ComponentModel;
using System.Security.Claims;
using Microsoft.AspNetCore.Http.HttpResults;
using TwoTower.Postgres.Experiments;
using TwoTower.Web.Releases;
using TwoTower.Web.Requests;

namespace TwoTower.Web.Experiments;

/// <summary>Experiments, for operators; there only where an operator key is configured.</summary>
internal static class ExperimentsApi
{
    private const string Name = "The experiment's name: a–z, 0–9, dots, dashes and underscores.";

    public static void MapExperiments(this IEndpointRouteBuilder app)
    {
        var experiments = app.MapGroup("/v1/experiments").WithTags("Experiments").AddEndpointFilter<RegistryRefusals>();
        experiments.MapGet("/", ListAsync).WithName("listExperiments").WithSummary("The experiments")
            .WithDescription("All experiments, newest first; one whose stoppedAt is null is running.");
        experiments.MapPut("/{name}", StartAsync).WithName("startExperiment").WithSummary("Start an experiment")
            .WithDescription("A share of the users gets a ready release from the next request on. 409 when it isn't ready, another experiment runs, or the name was used.")
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status409Conflict);
        experiments.MapPost("/{name}/stop", StopAsync).WithName("stopExperiment").WithSummary("Stop an experiment")
            .WithDescription("All users get the active release from the next request on. Stopping it again changes nothing.")
            .ProducesProblem(StatusCodes.Status404NotFound);
    }

    private static async Task<Ok<ExperimentsResponse>> ListAsync(ExperimentStore store, CancellationToken ct) =>
        TypedResults.Ok(new ExperimentsResponse(await store.ListAsync(ct)));

    private static async Task<Ok<Experiment>> StartAsync(
        [Description(Name)] string name, ExperimentRequest request, ClaimsPrincipal caller, ExperimentStore store, CancellationToken ct) =>
        TypedResults.Ok(await store.StartAsync(
            name, request.ModelVersion, request.Share, Operators.Actor(caller), request.Reason, request.Salt, ct));

    private static async Task<Ok<Experiment>> StopAsync(
        [Description(Name)] string name, ReleaseActionRequest? request, ClaimsPrincipal caller, ExperimentStore store,
        CancellationToken ct) =>
        TypedResults.Ok((await store.StopAsync(name, Operators.Actor(caller), request?.Reason, ct)).Experiment);
}
