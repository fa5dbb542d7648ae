using System.Text.Json;
using System.Text.Json.Serialization;

namespace TwoTower.Core.Features;

/// <summary>
/// What the model may know of a user: the statistics of a history, as <c>get_user_embedding_features</c> returns them
/// (contract, section 2). Made by SQL or from rows; both agree.
/// </summary>
public sealed record UserPayload(
    Guid UserId,
    UserProfile Profile,
    DecisionStats DecisionStats,
    PriceStats PriceStats,
    IReadOnlyList<string> Tags,
    IReadOnlyList<string> Performers)
{
    /// <summary>What a release says of the history's videos, for a release whose user tower reads that; null otherwise.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public PooledHistory? History { get; init; }


    /// <summary>Reads the JSON of the SQL function, ours or the original program's. Times are instants: without an offset they are
    /// UTC.</summary>
    /// <exception cref="InputException">It isn't such a payload.</exception>
    public static UserPayload Parse(string json)
    {
        try
        {
            return (JsonSerializer.Deserialize(json, PayloadJson.Default.UserPayload)
                ?? throw new JsonException("it is null")).Complete();
        }
        catch (JsonException error)
        {
            throw new InputException($"The user features are not what get_user_embedding_features returns: {error.Message}", error);
        }
    }

    /// <summary>The payload as the SQL function writes it.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, PayloadJson.Default.UserPayload);

    /// <summary>Lists and profile may be absent or null in another program's JSON; the counts may not.</summary>
    internal UserPayload Complete() => this with
    {
        Profile = Profile ?? new(null),
        DecisionStats = DecisionStats ?? throw new JsonException("decision_stats is missing"),
        PriceStats = PriceStats ?? new(0, 0),
        Tags = Tags ?? [],
        Performers = Performers ?? [],
    };
}

/// <summary>The part of a profile that is a feature.</summary>
/// <param name="CreatedAt">When the account was made; null without a profile.</param>
public sealed record UserProfile(DateTimeOffset? CreatedAt);

/// <summary>Counts and times of a user's decisions.</summary>
/// <param name="LikeCount">Like rows.</param>
/// <param name="NopeCount">Nope rows.</param>
/// <param name="DecisionCount">All rows.</param>
/// <param name="RecentLikeAt">Latest like; null with none.</param>
/// <param name="AverageLikeHour">Mean UTC hour of the likes, 0..23; 12.0 with none.</param>
public sealed record DecisionStats(
    int LikeCount, int NopeCount, int DecisionCount, DateTimeOffset? RecentLikeAt, double AverageLikeHour = 12.0);

/// <summary>Price of the liked videos that have one; 0 with none.</summary>
public sealed record PriceStats(double Mean, double Median);
