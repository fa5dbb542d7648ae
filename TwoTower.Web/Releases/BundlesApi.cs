using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Security.Claims;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using TwoTower.Core;
using TwoTower.Core.Bundles;
using TwoTower.Postgres.Releases;
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
            .WithMetadata(new LargeBody())
            .ProducesProblem(StatusCodes.Status409Conflict)
            .ProducesProblem(StatusCodes.Status422UnprocessableEntity)
            .ProducesProblem(StatusCodes.Status507InsufficientStorage);
        releases.MapGet("/{modelVersion}/bundle", ExportAsync).WithName("exportRelease").WithSummary("Export a bundle")
            .WithDescription("The release's files, its vectors as parquet, and the manifest over them, as a tar file. 409 when it hasn't all its vectors.")
            .Produces<Stream>(StatusCodes.Status200OK, BundleArchive.MediaType)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status409Conflict)
            .ProducesProblem(StatusCodes.Status507InsufficientStorage);
    }

    private static async Task<Results<PushStreamHttpResult, ProblemHttpResult>> ExportAsync(
        [Description("The release's model_version.")] string modelVersion, ReleaseStore store, BundleTransfers transfers, HttpContext http, CancellationToken ct)
    {
        if (await store.FindAsync(modelVersion, ct) is not { } release) return ReleasesApi.Unknown(modelVersion);
        if (ReleaseExport.Refuse(release) is { } reason) return Problem(409, "The release's state doesn't allow it", reason);
        var name = $"{modelVersion}.tar";
        if (OtherMethods.IsHead(http)) return TypedResults.Stream(_ => Task.CompletedTask, BundleArchive.MediaType, name);
        if (transfers.TryBegin() is not { } transfer) return Busy();
        http.Response.RegisterForDispose(transfer); // when all of it is sent
        try
        {
            await transfers.WriteAsync(transfer, modelVersion, ct);
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
        ClaimsPrincipal caller, ReleaseStore store, BundleTransfers transfers, IOptions<ApiOptions> options, HttpContext http,
        CancellationToken ct)
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

        var isNew = await store.FindAsync(bundle.ModelVersion, ct) is null;
        try
        {
            var done = await transfers.ImportAsync(bundle, activate ?? false, Operators.Actor(caller));
            var release = ReleaseResponse.From(await store.GetAsync(bundle.ModelVersion, ct));
            var response = new ImportResponse(release, done.Videos, done.Skipped, done.WithoutVector, done.Activated, done.Warnings);
            return isNew ? TypedResults.Created($"/v1/releases/{Uri.EscapeDataString(bundle.ModelVersion)}", response) : TypedResults.Ok(response);
        }
        catch (InputException e)
        {
            // Refused before it was registered: a conflict. Registered and failed: its history says by what.
            return await store.FindAsync(bundle.ModelVersion, ct) is { State: ReleaseState.Failed }
                ? Problem(422, "The release failed its checks", transfer.Explain(e))
                : Problem(409, "The bundle can't become a release here", transfer.Explain(e));
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return Problem(503, "The service is stopping", $"Release {bundle.ModelVersion} isn't ready yet: send the bundle again, and its import continues.");
        }
    }

    private static ProblemHttpResult Busy() => Problem(
        409, "Other bundles are under way", "This replica is at two bundles already: try again when one of them is done.");

    private static ProblemHttpResult NoRoom(Exception e) => Problem(
        507, "There is no room for the bundle", $"It can't be stored on this replica ({e.Message}): free some space there, or set TwoTower:Api:BundleFolder to a larger folder.");

    private static ProblemHttpResult Problem(int status, string title, string detail) =>
        TypedResults.Problem(statusCode: status, title: title, detail: detail);
}
