using System.Text.Json;
using System.Text.Json.Serialization;
using TwoTower.Api.Decisions;
using TwoTower.Api.Recommendations;

namespace TwoTower.Api;

/// <summary>JSON of requests and answers: camelCase, written without reflection.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, NumberHandling = JsonNumberHandling.Strict, Converters = [typeof(InstantJsonConverter)])]
[JsonSerializable(typeof(RecommendationsResponse))]
[JsonSerializable(typeof(DecisionRequest))]
[JsonSerializable(typeof(DecisionResponse))]
internal sealed partial class ApiJson : JsonSerializerContext;
