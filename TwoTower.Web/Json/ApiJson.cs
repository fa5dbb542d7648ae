using System.Text.Json;
using System.Text.Json.Serialization;
using TwoTower.Core.Formats;
using TwoTower.Postgres.Experiments.Comparison;
using TwoTower.Postgres.Releases;
using TwoTower.Web.Decisions;
using TwoTower.Web.Experiments;
using TwoTower.Web.Recommendations;
using TwoTower.Web.Releases;
using TwoTower.Web.Requests;

namespace TwoTower.Web.Json;

/// <summary>JSON of requests and answers: camelCase, written without reflection.</summary>
[JsonSourceGenerationOptions(
    JsonSerializerDefaults.Web, NumberHandling = JsonNumberHandling.Strict, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    Converters = [typeof(InstantConverter), typeof(TextJsonConverter), typeof(UuidJsonConverter)])]
[JsonSerializable(typeof(FilterQuery))]
[JsonSerializable(typeof(RecommendationsQuery))]
[JsonSerializable(typeof(RecommendationsResponse))]
[JsonSerializable(typeof(DecisionRequest))]
[JsonSerializable(typeof(DecisionResponse))]
[JsonSerializable(typeof(ReleasesResponse))]
[JsonSerializable(typeof(ReleaseDetailsResponse))]
[JsonSerializable(typeof(GateResponse))]
[JsonSerializable(typeof(ActivationResponse))]
[JsonSerializable(typeof(RetirementResponse))]
[JsonSerializable(typeof(PinResponse))]
[JsonSerializable(typeof(Pruning))]
[JsonSerializable(typeof(ReleaseActionRequest))]
[JsonSerializable(typeof(PruneRequest))]
[JsonSerializable(typeof(ImportResponse))]
[JsonSerializable(typeof(ReleaseComparison))]
[JsonSerializable(typeof(ExperimentRequest))]
[JsonSerializable(typeof(ExperimentsResponse))]
internal sealed partial class ApiJson : JsonSerializerContext;
