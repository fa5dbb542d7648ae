using System.Text.Json;

namespace TwoTower.Torture.Checking;

/// <summary>A recommendation as it came over HTTP.</summary>
internal sealed record Answer(string Strategy, string? ModelVersion, DateTimeOffset AsOf, IReadOnlyList<AnsweredVideo> Videos)
{
    private static readonly JsonSerializerOptions Web = new(JsonSerializerDefaults.Web);

    public static Answer Parse(byte[] body) => JsonSerializer.Deserialize<Answer>(body, Web) ?? throw new JsonException("an answer was expected");
}

/// <summary>A video of it.</summary>
internal sealed record AnsweredVideo(int Rank, Guid VideoId, double? Score, double? Probability, double RankScore);
