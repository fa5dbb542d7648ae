using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;
using TwoTower.Postgres.Experiments;
using TwoTower.Postgres.Experiments.Comparison;
using TwoTower.Postgres.Releases;
using TwoTower.Web.Experiments;
using TwoTower.Web.Json;
using TwoTower.Web.Releases;

namespace TwoTower.Web.OpenApi;

/// <summary>What the document says of the operators' paths: the key that they need, and an example of each answer.</summary>
internal sealed class OperatorTransformer : IOpenApiDocumentTransformer, IOpenApiOperationTransformer
{
    private const string Scheme = "operatorKey", Version = "v2-20260120T180000Z-3f9c2a1b", Earlier = "v2-20260119T180000Z-77aa01c4";
    private static readonly DateTimeOffset Time = new(2026, 1, 20, 18, 30, 0, TimeSpan.Zero);
    private static readonly ReleaseResponse Release = new(Version, "ready", "1200 videos embedded", Time, false, "v2", 256, Time.AddMinutes(-20));

    private static readonly Experiment Running = new(
        3, "taste-vs-v2", Version, 0.1, "experiment:taste-vs-v2", Time, "operator (alice)", "likes more of them?", null, null, null);

    public Task TransformAsync(OpenApiDocument document, OpenApiDocumentTransformerContext context, CancellationToken cancellationToken)
    {
        var all = document.Paths.SelectMany(path => (path.Value.Operations?.Values ?? Enumerable.Empty<OpenApiOperation>())
            .Select(operation => (path.Key, operation))).ToList();
        foreach (var (_, operation) in all.Where(one => !IsOperators(one.Key))) operation.Security = []; // nothing is asked for
        var operations = all.Where(one => IsOperators(one.Key)).Select(one => one.operation).ToList();
        if (operations.Count == 0) return Task.CompletedTask;
        document.AddComponent(Scheme, new OpenApiSecurityScheme
        {
            Type = SecuritySchemeType.Http,
            Scheme = "bearer",
            Description = "An operator's key, as TwoTower:Operators or TwoTower:Api:OperatorKey has it.",
        });
        foreach (var operation in operations) operation.Security = [new() { [new OpenApiSecuritySchemeReference(Scheme, document)] = [] }];
        return Task.CompletedTask;
    }

    public Task TransformAsync(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        var example = Answer(operation.OperationId);
        foreach (var status in operation.Responses?.Keys.Where(status => status.StartsWith('2')) ?? [])
        {
            operation.SetAnswerExample(status, example?.DeepClone());
        }

        operation.SetRequestExample(Request(operation.OperationId));
        foreach (var parameter in operation.Parameters?.OfType<OpenApiParameter>() ?? [])
        {
            parameter.Deprecated |= parameter.Name is "actor";
            if (Parameter(parameter.Name) is { } value) parameter.Example = JsonValue.Create(value);
        }

        return Task.CompletedTask;
    }

    private static bool IsOperators(string path) =>
        path.StartsWith("/v1/releases", StringComparison.Ordinal) || path.StartsWith("/v1/experiments", StringComparison.Ordinal);

    private static string? Parameter(string? name) => name switch
    {
        "modelVersion" or "b" => Version,
        "a" => Earlier,
        "name" or "experiment" => Running.Name,
        "since" => "2026-01-20T18:30:00Z",
        _ => null,
    };

    private static JsonNode? Request(string? operation) => operation switch
    {
        "pruneReleases" => JsonSerializer.SerializeToNode(new PruneRequest { DryRun = true }, ApiJson.Default.PruneRequest),
        "startExperiment" => JsonSerializer.SerializeToNode(
            new ExperimentRequest { ModelVersion = Version, Share = 0.1, Reason = "likes more of them?" },
            ApiJson.Default.ExperimentRequest),
        "verifyRelease" or "activateRelease" or "rollbackRelease" or "retireRelease" or "pinRelease" or "stopExperiment" =>
            JsonSerializer.SerializeToNode(new ReleaseActionRequest { Reason = "Tuesday" }, ApiJson.Default.ReleaseActionRequest),
        _ => null,
    };

    private static JsonNode? Answer(string? operation) => operation switch
    {
        "listReleases" => JsonSerializer.SerializeToNode(new ReleasesResponse([Release]), ApiJson.Default.ReleasesResponse),
        "getRelease" => JsonSerializer.SerializeToNode(
            new ReleaseDetailsResponse(
                Release, ["rollback leads to it"], [new(null, "trained", Time.AddMinutes(-20), "trainer", null)],
                [new(7, Time, "embedder", true, Earlier, null)],
                [new(4, Version, Earlier, Time.AddMinutes(5), "operator (alice)", "better on the test users", false, null, null)],
                [new("user_tower.onnx", "9f2b1c3d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4c5d6e7f809", 2_364_180, false)]),
            ApiJson.Default.ReleaseDetailsResponse),
        "verifyRelease" => JsonSerializer.SerializeToNode(
            new GateResponse(
                8, Version, true, null, Earlier, [new("files", true, "10 files have the size and the SHA-256 that were registered")],
                new(true, 412, new(.221, .214, .007, .003, -.0167), new(.248, .243, .005, .003, -.0182),
                    new(.006, .007, -.001, .001, .012))),
            ApiJson.Default.GateResponse),
        "activateRelease" => JsonSerializer.SerializeToNode(new ActivationResponse(Version, Earlier, true), ApiJson.Default.ActivationResponse),
        "rollbackRelease" => JsonSerializer.SerializeToNode(new ActivationResponse(Earlier, Version, true), ApiJson.Default.ActivationResponse),
        "retireRelease" => JsonSerializer.SerializeToNode(new RetirementResponse(Earlier, true), ApiJson.Default.RetirementResponse),
        "pruneReleases" => JsonSerializer.SerializeToNode(new Pruning([Earlier], [new(Version, "active")], [], [new(Earlier, 276_824_064, 7_340_032)]), ApiJson.Default.Pruning),
        "importRelease" => JsonSerializer.SerializeToNode(new ImportResponse(Release, 1_200, 0, 0, false, []), ApiJson.Default.ImportResponse),
        "pinRelease" => JsonSerializer.SerializeToNode(new PinResponse(Version, true), ApiJson.Default.PinResponse),
        "unpinRelease" => JsonSerializer.SerializeToNode(new PinResponse(Version, false), ApiJson.Default.PinResponse),
        "compareReleases" => JsonSerializer.SerializeToNode(
            new ReleaseComparison(
                new(Earlier, 9_012, 21_433, 428_660, 12_431, 30_006, 9_871), new(Version, 1_020, 2_411, 48_220, 1_640, 3_231, 8_034),
                Time, Time.AddDays(7), "taste-vs-v2", 0,
                [new("likes_per_recommendation", new(.029, .0283, .0297, .00036), new(.034, .0314, .0366, .00133), new(.005, .0023, .0077, .00138))],
                []),
            ApiJson.Default.ReleaseComparison),
        "listExperiments" => JsonSerializer.SerializeToNode(new ExperimentsResponse([Running]), ApiJson.Default.ExperimentsResponse),
        "startExperiment" => JsonSerializer.SerializeToNode(Running, ApiJson.Default.Experiment),
        "stopExperiment" => JsonSerializer.SerializeToNode(
            Running with { StoppedAt = Time.AddDays(7), StoppedBy = "operator (alice)", StopReason = "seen enough" }, ApiJson.Default.Experiment),
        _ => null,
    };
}
