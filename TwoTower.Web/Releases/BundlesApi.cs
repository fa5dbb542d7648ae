using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Security.Claims;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using TwoTower.Core;
using TwoTower.Core.Bundles;
using TwoTower.Postgres.Releases;
using TwoTower.Web.Problems;
using TwoTower.Web.Requests;
using TwoTower.Web.Settings;

namespace TwoTower.Web.Releases;

/// <summary>Releases as bundles over HTTP: what 'twotower releases export' and 'import' do, with a tar file for the folder.</summary>
internal static class BundlesApi
{
    /// <summary>Adds the paths to those of the registry.</summary>
    public static void MapBundles(this IEndpointRouteBuilder releases)
    {
        releases.MapPost("/", ImportAsync).WithName("importRelease").WithSummary("Import a bundle")
            .WithDescription(
                "The body is a bundle as a tar file. It is verified, registered, its vectors loaded and indexed, and the gate run: the answer comes after "
                + "that, seconds to minutes, by the number of videos. A client that leaves once the body is sent stops nothing; the same bundle again "
                + "changes nothing, or continues. 422: it was registered and failed its checks. 409: there is another release of that version.")
            .Accepts<Stream>(BundleArchive.MediaType)
            .WithMetadata(new LargeBody(), new TakesItsOwnTurns())
            .ProducesProblem(StatusCodes.Status409Conflict)
            .ProducesProblem(StatusCodes.Status422UnprocessableEntity)
            .ProducesProblem(StatusCodes.Status507InsufficientStorage);
        releases.MapGet("/{modelVersion}/bundle", ExportAsync).WithName("exportRelease").WithSummary("Export a bundle")
            .WithDescription("The release's files, its vectors as parquet, and the manifest over them, as a tar file. 409 when it hasn't all its vectors.")
            .WithMetadata(new TakesItsOwnTurns())
            .Produces<Stream>(StatusCodes.Status200OK, BundleArchive.MediaType)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status409Conflict)
            .ProducesProblem(StatusCodes.Status507InsufficientStorage);
    }

    private static async Task<Results<PushStreamHttpResult, ProblemHttpResult>> ExportAsync(
        [Description("The release's model_version.")] string modelVersion, ReleaseStore store, BundleTransfers transfers,
        OperatorTurns turns, HttpContext http, CancellationToken ct)
    {
        var found = await turns.ShortAsync(token => store.FindAsync(modelVersion, token), ct);
        if (found is not { } release) return ReleasesApi.Unknown(modelVersion);
        if (ReleaseExport.Refuse(release) is { } reason) return ProblemKind.ReleaseState.Answer(reason);
        var name = $"{modelVersion}.tar";
        if (OtherMethods.IsHead(http)) return TypedResults.Stream(_ => Task.CompletedTask, BundleArchive.MediaType, name);
        if (transfers.TryBegin() is not { } transfer) return Busy();
        http.Response.RegisterForDispose(transfer); // when all of it is sent
        try
        {
            await transfers.WriteAsync(transfer, modelVersion);
        }
        catch (Exception e) when (((e as InputException)?.InnerException ?? e) is IOException or UnauthorizedAccessException)
        {
            return NoRoom(e);
        }

        return TypedResults.Stream(body => BundleArchive.WriteAsync(transfer.Folder, body, ct), BundleArchive.MediaType, name);
    }

    private static async Task<Results<Created<ImportResponse>, Ok<ImportResponse>, ProblemHttpResult>> ImportAsync(
        Stream body,
        [Description("True serves it when the gate has passed it."), DefaultValue(false)] bool? activate,
        [Description(Operators.NoActor), StringLength(100)] string? actor,
        ClaimsPrincipal caller, ReleaseStore store, BundleTransfers transfers, OperatorTurns turns, IOptions<ApiOptions> options,
        HttpContext http, CancellationToken ct)
    {
        http.Features.GetRequiredFeature<IHttpMaxRequestBodySizeFeature>().MaxRequestBodySize = options.Value.MaxBundleMb * 1_000_000L;
        using var transfer = transfers.TryBegin();
        if (transfer is null) return Busy();
        Bundle bundle;
        try
        {
            bundle = await transfer.ReceiveAsync(body, ct);
        }
        catch (Exception e) when (
            e is IOException and not BadHttpRequestException or UnauthorizedAccessException && !ct.IsCancellationRequested)
        {
            return NoRoom(e);
        }

        Task<Release?> FindAsync() => turns.ShortAsync(token => store.FindAsync(bundle.ModelVersion, token), ct);
        var isNew = await FindAsync() is null;
        try
        {
            var done = await transfers.ImportAsync(bundle, activate ?? false, Operators.Actor(caller));
            var release = ReleaseResponse.From(await turns.ShortAsync(token => store.GetAsync(bundle.ModelVersion, token), ct));
            var response = new ImportResponse(release, done.Videos, done.Skipped, done.WithoutVector, done.Activated, done.Warnings);
            return isNew ? TypedResults.Created($"/v1/releases/{Uri.EscapeDataString(bundle.ModelVersion)}", response) : TypedResults.Ok(response);
        }
        catch (InputException e)
        {
            // Refused before it was registered: a conflict. Registered and failed: its history says by what.
            return await FindAsync() is { State: ReleaseState.Failed }
                ? ProblemKind.ReleaseFailedChecks.Answer(transfer.Explain(e))
                : ProblemKind.BundleConflict.Answer(transfer.Explain(e));
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return ProblemKind.Stopping.Answer($"Release {bundle.ModelVersion} isn't ready yet: send the bundle again, and its import continues.");
        }
    }

    private static ProblemHttpResult Busy() => ProblemKind.BundlesUnderWay.Answer(
        "This replica is at two bundles already: try again when one of them is done.");

    private static ProblemHttpResult NoRoom(Exception e) => ProblemKind.NoRoom.Answer(
        $"It can't be stored on this replica ({e.Message}): free some space there, or set TwoTower:Api:BundleFolder to a larger folder.");
}
