using System.Text.Json;
using System.Text.Json.Serialization;
using TwoTower.Core.Features;
using TwoTower.Core.Rows;

namespace TwoTower.Postgres.Serving;

/// <summary>The rows of a user's history as <c>two_tower.serving_context</c> returns them for a release that computes features in
/// process.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(HistoryRows))]
internal sealed partial class HistoryJson : JsonSerializerContext
{
    public static UserPayload Payload(Guid userId, DateTimeOffset asOf, string json)
    {
        var rows = JsonSerializer.Deserialize(json, Default.HistoryRows) ?? throw new JsonException("a history was expected");
        var history = new UserHistory(userId, new(rows.CreatedAt), [.. rows.Entries.Select(entry => new HistoryEntry(
            entry.VideoId, entry.DecisionType == "like" ? DecisionType.Like : DecisionType.Nope, entry.At, entry.Price, entry.Tags, entry.Performers))]);
        return PayloadBuilder.BuildUser(history, asOf) with { History = rows.History };
    }
}

/// <summary>A user's profile time and decisions.</summary>
internal sealed record HistoryRows(DateTimeOffset? CreatedAt, IReadOnlyList<HistoryRow> Entries)
{
    /// <summary>The release's sums, where its user tower reads them.</summary>
    public PooledHistory? History { get; init; }
}

/// <summary>One decision with what is known of its video.</summary>
internal sealed record HistoryRow(
    Guid VideoId, string DecisionType, DateTimeOffset At, double? Price, IReadOnlyList<string> Tags, IReadOnlyList<string> Performers);
