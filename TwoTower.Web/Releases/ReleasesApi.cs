using System.ComponentModel;
using System.Security.Claims;
using Microsoft.AspNetCore.Http.HttpResults;
using Npgsql;
using TwoTower.Core;
using TwoTower.Core.Formats;
using TwoTower.Postgres.Experiments.Comparison;
using TwoTower.Postgres.Gate;
using TwoTower.Postgres.Releases;
using TwoTower.Web.Problems;
using TwoTower.Web.Requests;

namespace TwoTower.Web.Releases;

/// <summary>The registry of releases, for operators; there only where an operator key is configured.</summary>
internal static class ReleasesApi
{
    private const string Version = "The release's model_version.";

    public static void MapReleases(this IEndpointRouteBuilder app)
    {
        var releases = app.MapGroup("/v1/releases").WithTags("Releases").AddEndpointFilter<RegistryRefusals>();
        releases.MapGet("/", ListAsync).WithName("listReleases").WithSummary("The releases").WithDescription("All releases, newest first.");
        releases.MapPost("/rollback", RollbackAsync).WithName("rollbackRelease").WithSummary("Go back")
            .WithDescription("Activates the release that was active before and still has its vectors. 409 when there is none.")
            .ProducesProblem(StatusCodes.Status409Conflict);
        releases.MapPost("/prune", PruneAsync).WithName("pruneReleases").WithSummary("Retire old releases")
            .WithDescription("Retires the releases that are neither among the newest nor needed by anybody.")
            .WithMetadata(new TakesLong());

        releases.MapGet("/compare", CompareAsync).WithName("compareReleases").WithSummary("Two releases side by side")
            .WithDescription("Likes and nopes per recommendation, coverage and empty answers of both, and their differences, with 95 % intervals over users.")
            .WithMetadata(new TakesLong())
            .ProducesProblem(StatusCodes.Status404NotFound);

        releases.MapBundles();
        var release = releases.MapGroup("/{modelVersion}").ProducesProblem(StatusCodes.Status404NotFound);
        release.MapGet("/", ShowAsync).WithName("getRelease").WithSummary("A release")
            .WithDescription("Its state and why, every change of it, what the gate decided, and who needs it.");
        release.MapPost("/verify", VerifyAsync).WithName("verifyRelease").WithSummary("Run the gate")
            .WithDescription("Runs the gate over the release, records what it finds, and moves nothing. Seconds to minutes, by the size of the catalogue.")
            .WithMetadata(new TakesLong());
        release.MapPost("/activate", ActivateAsync).WithName("activateRelease").WithSummary("Serve a release")
            .WithDescription("Makes a ready release the active one in one short transaction. 409 when it isn't ready.")
            .ProducesProblem(StatusCodes.Status409Conflict);
        release.MapPost("/retire", RetireAsync).WithName("retireRelease").WithSummary("Drop a release's vectors")
            .WithDescription("For good. 409 for the active release, a pinned one, and one that is being embedded.")
            .WithMetadata(new TakesLong()) // it waits for whoever still reads the vectors
            .ProducesProblem(StatusCodes.Status409Conflict);
        release.MapPut("/pin", PinAsync).WithName("pinRelease").WithSummary("Keep a release")
            .WithDescription("It can't be retired or pruned until it is unpinned.");
        release.MapDelete("/pin", UnpinAsync).WithName("unpinRelease").WithSummary("Take a pin away").WithDescription("Retention may retire the release again.");
    }

    private static async Task<Ok<ReleasesResponse>> ListAsync(ReleaseStore store, CancellationToken ct) =>
        TypedResults.Ok(new ReleasesResponse([.. (await store.ListAsync(ct)).Select(ReleaseResponse.From)]));

    private static async Task<Results<Ok<ReleaseComparison>, ProblemHttpResult>> CompareAsync(
        [Description("A release.")] string a,
        [Description("The release to compare it with.")] string b,
        [Description("Only recommendations from then on: a time such as 2026-01-20T18:30:00Z.")] string? since,
        [Description("Only what was served while this experiment ran.")] string? experiment,
        ReleaseStore store, ReleaseComparer comparer, CancellationToken ct)
    {
        DateTimeOffset? from = since is null ? null
            : InstantText.TryParse(since, out var instant) ? instant
            : throw new InputException($"since '{since}' isn't a time such as 2026-01-20T18:30:00Z.");
        foreach (var version in new[] { a, b })
        {
            if (await store.FindAsync(version, ct) is null) return Unknown(version);
        }

        return TypedResults.Ok(await comparer.CompareAsync(a, b, from, experiment, ct));
    }

    private static async Task<Results<Ok<ReleaseDetailsResponse>, ProblemHttpResult>> ShowAsync(
        [Description(Version)] string modelVersion, ReleaseStore store, ReleaseRetention retention, ActivationHistory activations,
        NpgsqlDataSource db,
        CancellationToken ct)
    {
        if (await store.FindAsync(modelVersion, ct) is not { } release) return Unknown(modelVersion);
        var needed = (await retention.NeededAsync(ct)).Where(need => need.ModelVersion == modelVersion).Select(need => need.Why);
        return TypedResults.Ok(new ReleaseDetailsResponse(
            ReleaseResponse.From(release), [.. needed],
            [.. (await store.HistoryAsync(modelVersion, ct)).Select(step => new TransitionResponse(
                step.From is { } from
                    ? ReleaseResponse.Name(from) : null, ReleaseResponse.Name(step.To), step.At, step.Actor, step.Reason))],
            [.. (await GateRuns.ReadAsync(db, modelVersion, ct: ct)).Select(run => new GateRunResponse(
                run.Run, run.At, run.Actor, run.Passed, run.ComparedWith, run.Reason))],
            await activations.ReadAsync(modelVersion, ct: ct),
            await store.FilesAsync(modelVersion, ct)));
    }

    private static async Task<Results<Ok<GateResponse>, ProblemHttpResult>> VerifyAsync(
        [Description(Version)] string modelVersion, ReleaseActionRequest? request, ClaimsPrincipal caller, ReleaseStore store,
        ReleaseGate gate, CancellationToken ct)
    {
        if (await store.FindAsync(modelVersion, ct) is not { } release) return Unknown(modelVersion);
        var report = await gate.RunAsync(release, null, Operators.Actor(caller), ct);
        return TypedResults.Ok(new GateResponse(
            report.Run, report.ModelVersion, report.Passed, report.Reason, report.ComparedWith, report.Checks, report.Quality));
    }

    private static async Task<Ok<ActivationResponse>> ActivateAsync(
        [Description(Version)] string modelVersion, ReleaseActionRequest? request, ClaimsPrincipal caller, ReleaseStore store,
        CancellationToken ct)
    {
        var activation = await store.ActivateAsync(modelVersion, Operators.Actor(caller), Reason(request), ct);
        return TypedResults.Ok(new ActivationResponse(modelVersion, activation.Previous, activation.Changed));
    }

    private static async Task<Ok<ActivationResponse>> RollbackAsync(ReleaseActionRequest? request, ClaimsPrincipal caller,
        ReleaseStore store, CancellationToken ct)
    {
        var (now, before) = await store.RollbackAsync(Operators.Actor(caller), Reason(request), ct);
        return TypedResults.Ok(new ActivationResponse(now, before, true));
    }

    private static async Task<Ok<RetirementResponse>> RetireAsync(
        [Description(Version)] string modelVersion, ReleaseActionRequest? request, ClaimsPrincipal caller, ReleaseRetention retention,
        CancellationToken ct) =>
        TypedResults.Ok(new RetirementResponse(
            modelVersion, await retention.RetireAsync(modelVersion, Operators.Actor(caller), Reason(request), ct)));

    private static async Task<Ok<Pruning>> PruneAsync(PruneRequest request, ClaimsPrincipal caller, ReleaseRetention retention,
        CancellationToken ct) =>
        TypedResults.Ok(await retention.PruneAsync(request.Keep, Operators.Actor(caller), request.DryRun, ct));

    private static async Task<Results<Ok<PinResponse>, ProblemHttpResult>> PinAsync(
        [Description(Version)] string modelVersion, ReleaseActionRequest? request, ClaimsPrincipal caller, ReleaseStore store,
        ReleaseRetention retention,
        CancellationToken ct)
    {
        if (await store.FindAsync(modelVersion, ct) is null) return Unknown(modelVersion);
        await retention.PinAsync(modelVersion, Operators.Actor(caller), Reason(request), ct);
        return TypedResults.Ok(new PinResponse(modelVersion, true));
    }

    private static async Task<Results<Ok<PinResponse>, ProblemHttpResult>> UnpinAsync(
        [Description(Version)] string modelVersion, ReleaseStore store, ReleaseRetention retention, CancellationToken ct)
    {
        if (await store.FindAsync(modelVersion, ct) is null) return Unknown(modelVersion);
        await retention.UnpinAsync(modelVersion, ct);
        return TypedResults.Ok(new PinResponse(modelVersion, false));
    }

    private static string Reason(ReleaseActionRequest? request) => request?.Reason is { Length: > 0 } reason ? reason : "by hand";

    internal static ProblemHttpResult Unknown(string modelVersion) => ProblemKind.UnknownRelease.Answer(
        $"There is no release {modelVersion}: GET /v1/releases names those that there are.");
}
