using System.Text.Json;
using System.Text.Json.Serialization;

namespace TwoTower.Postgres.Serving;

/// <summary>What the videos that a user likes have in common, to explain an answer by. A like that was taken back is none.</summary>
/// <param name="Tags">Liked videos with each tag.</param>
/// <param name="Performers">Liked videos with each performer.</param>
internal sealed record Taste(IReadOnlyDictionary<string, int> Tags, IReadOnlyDictionary<string, int> Performers)
{
    private static readonly IReadOnlyList<Reason> None = [];

    /// <summary>Reads what <c>two_tower.serving_context</c> returns.</summary>
    internal static Taste Parse(string json) => JsonSerializer.Deserialize(json, TasteJson.Default.Taste) ?? throw new JsonException("a taste was expected");

    /// <summary>The <paramref name="most"/> most liked of a video's tags and performers; performers first among equals, being rarer.</summary>
    public IReadOnlyList<Reason> Explain(VideoCard video, int most)
    {
        ArgumentNullException.ThrowIfNull(video);
        if (most == 0) return None;
        var shared = new List<Reason>();
        foreach (var performer in video.Performers)
        {
            if (Performers.TryGetValue(performer, out var likes)) shared.Add(new(ReasonKind.Performer, performer, likes));
        }

        foreach (var tag in video.Tags)
        {
            if (Tags.TryGetValue(tag, out var likes)) shared.Add(new(ReasonKind.Tag, tag, likes));
        }

        // A stable order: the list keeps performers before tags, each by name.
        return shared.Count <= 1 ? shared : [.. shared.OrderByDescending(reason => reason.Likes).Take(most)];
    }
}

/// <summary>Reads tastes.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(Taste))]
internal sealed partial class TasteJson : JsonSerializerContext;
