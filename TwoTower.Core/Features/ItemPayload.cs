using System.Text.Json;
using System.Text.Json.Serialization;

namespace TwoTower.Core.Features;

/// <summary>What the model may know of a video, as <c>get_item_embedding_features</c> returns it (contract, section 2).</summary>
public sealed record ItemPayload(
    Guid VideoId,
    double? Price,
    int? DurationSeconds,
    DateTimeOffset? ProductReleasedAt,
    DateTimeOffset? DistributionStartedAt,
    int SafetyLevel,
    IReadOnlyList<string> RegionCodes,
    IReadOnlyList<string> Tags,
    IReadOnlyList<string> Performers)
{
    /// <summary>Vectors that another program made, by name (<c>two_tower.video_features</c>); null with none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyDictionary<string, float[]>? VideoFeatures { get; init; }

    /// <summary>Reads the JSON of the SQL function, ours or the original program's. Times are instants: without an offset they are
    /// UTC.</summary>
    /// <exception cref="InputException">It isn't such a payload.</exception>
    public static ItemPayload Parse(string json)
    {
        try
        {
            return (JsonSerializer.Deserialize(json, PayloadJson.Default.ItemPayload)
                ?? throw new JsonException("it is null")).Complete();
        }
        catch (JsonException error)
        {
            throw new InputException($"The video features are not what get_item_embedding_features returns: {error.Message}", error);
        }
    }

    /// <summary>The payload as the SQL function writes it.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, PayloadJson.Default.ItemPayload);

    /// <summary>Lists may be absent or null in another program's JSON.</summary>
    internal ItemPayload Complete() => this with
    {
        RegionCodes = RegionCodes ?? [],
        Tags = Tags ?? [],
        Performers = Performers ?? [],
    };
}
