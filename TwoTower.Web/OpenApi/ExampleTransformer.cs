using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;
using TwoTower.Web.Decisions;
using TwoTower.Web.Json;
using TwoTower.Web.Recommendations;

namespace TwoTower.Web.OpenApi;

/// <summary>Adds an example to each request and answer, serialised from the real types so that it can't drift from them.</summary>
internal sealed class ExampleTransformer : IOpenApiOperationTransformer
{
    private static readonly Guid User = new("5f0c1d2e-0000-4000-8000-000000000001");
    private static readonly Guid Video = new("5f0c1d2e-0000-4000-8000-0000000000a1");
    private static readonly DateTimeOffset Time = new(2026, 1, 20, 18, 30, 0, TimeSpan.Zero);

    public Task TransformAsync(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        switch (operation.OperationId)
        {
            case "getRecommendations" or "postRecommendations":
                operation.SetAnswerExample("200", Recommendations("two_tower", score: 0.74, [new("performer", "Ada Winter", 3), new("tag", "noir", 5)]));
                break;
            case "getSimilarVideos" or "postSimilarVideos":
                operation.SetAnswerExample("200", Recommendations("similar", score: 0.91, []));
                break;
            case "postDecision":
                var response = JsonSerializer.SerializeToNode(new DecisionResponse(User, Video, "like", Time), ApiJson.Default.DecisionResponse);
                operation.SetAnswerExample("200", response?.DeepClone());
                operation.SetAnswerExample("201", response);
                break;
            default:
                break;
        }

        operation.SetRequestExample(Request(operation.OperationId));
        foreach (var parameter in operation.Parameters?.OfType<OpenApiParameter>() ?? [])
        {
            if (parameter.Name is "userId") parameter.Example = JsonValue.Create(User.ToString());
            if (parameter.Name is "videoId") parameter.Example = JsonValue.Create(Video.ToString());
        }

        return Task.CompletedTask;
    }

    private static JsonNode? Request(string? operation) => operation switch
    {
        "postRecommendations" => JsonSerializer.SerializeToNode(
            new RecommendationsQuery
            {
                Limit = 20,
                MaxSafetyLevel = 1,
                Regions = ["JP"],
                BannedTags = ["horror"],
                ExcludeVideoIds = [Video],
                IncludeSeen = false,
            },
            ApiJson.Default.RecommendationsQuery),
        "postSimilarVideos" => JsonSerializer.SerializeToNode(
            new FilterQuery { Limit = 20, MaxSafetyLevel = 1, Regions = ["JP"], BannedTags = ["horror"], ExcludeVideoIds = [Video] },
            ApiJson.Default.FilterQuery),
        "postDecision" => JsonSerializer.SerializeToNode(
            new DecisionRequest { UserId = User, VideoId = Video, Decision = "like", DecidedAt = Time }, ApiJson.Default.DecisionRequest),
        _ => null,
    };

    private static JsonNode? Recommendations(string strategy, double score, ReasonResponse[] reasons) => JsonSerializer.SerializeToNode(
        new RecommendationsResponse(strategy, "v2-20260120T180000Z-3f9c2a1b", Time,
        [
            new(1, Video, "film-17", "The Long Harbour", null, 5_400, 480, Time.AddDays(-30), ["noir", "sea"], ["Ada Winter"],
                score, 1 / (1 + Math.Exp(-score)), strategy == "similar" ? null : 0.86, null,
                strategy == "similar" ? score : Postgres.Serving.ReRanker.Score(score, Time.AddDays(-30), 480, Time), reasons),
        ]),
        ApiJson.Default.RecommendationsResponse);
}
