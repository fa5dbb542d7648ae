using System.Text.Json.Serialization;
using TwoTower.Core.Features;
using TwoTower.Core.Formats;

namespace TwoTower.Core.Artifacts;

/// <summary>JSON of the probes, spelt as <see cref="PayloadJson"/> spells payloads.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    NumberHandling = JsonNumberHandling.AllowReadingFromString,
    Converters = [typeof(MicrosecondsConverter), typeof(StringListConverter)])]
[JsonSerializable(typeof(ProbeSet))]
internal sealed partial class ProbeJson : JsonSerializerContext;
