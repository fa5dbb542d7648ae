namespace TwoTower.Core.Features;

/// <summary>
/// The numerics of contract section 3, before standardising. Time differences are in days, fractional; a missing earlier time gives 0.
/// </summary>
internal static class NumericFeatures
{
    /// <summary>User numerics in vector order.</summary>
    public static readonly IReadOnlyList<string> UserNames =
    [
        "account_age_days", "mean_price", "median_price", "like_ratio",
        "like_count", "nope_count", "decision_count", "recent_like_days",
    ];

    /// <summary>Item numerics in vector order.</summary>
    public static readonly IReadOnlyList<string> ItemNames = ["price", "recency_days", "duration_seconds"];

    /// <summary>How a reader of a bundle computes each of <see cref="UserNames"/> (contract, section 7).</summary>
    public static readonly IReadOnlyList<string> UserFormulas =
    [
        "days(profile.created_at, as_of)", "price_stats.mean", "price_stats.median",
        "ratio(decision_stats.like_count, decision_stats.decision_count)",
        "decision_stats.like_count", "decision_stats.nope_count", "decision_stats.decision_count", "days(decision_stats.recent_like_at, as_of)",
    ];

    /// <summary>How a reader of a bundle computes each of <see cref="ItemNames"/>.</summary>
    public static readonly IReadOnlyList<string> ItemFormulas = ["price", "days(product_released_at, reference_released_at)", "duration_seconds"];

    /// <summary>What an hour of the day is divided by.</summary>
    public const double LastHour = 23;

    /// <summary>What a standard deviation of 0 counts as.</summary>
    public const double ZeroStd = 1;

    /// <summary>The names of a side, in vector order.</summary>
    public static IReadOnlyList<string> Names(FeatureSide side) => side == FeatureSide.User ? UserNames : ItemNames;

    /// <summary>One user numeric. <paramref name="index"/>: position in <see cref="UserNames"/>.</summary>
    internal static double User(int index, UserPayload payload, DateTimeOffset asOf)
    {
        var stats = payload.DecisionStats;
        return index switch
        {
            0 => Days(payload.Profile.CreatedAt, asOf),
            1 => payload.PriceStats.Mean,
            2 => payload.PriceStats.Median,
            3 => stats.DecisionCount == 0 ? 0.5 : Math.Clamp(stats.LikeCount / (double)stats.DecisionCount, 0.0, 1.0),
            4 => stats.LikeCount,
            5 => stats.NopeCount,
            6 => stats.DecisionCount,
            7 => Days(stats.RecentLikeAt, asOf),
            _ => throw new ArgumentOutOfRangeException(nameof(index)),
        };
    }

    /// <summary>One item numeric. <paramref name="index"/>: position in <see cref="ItemNames"/>.</summary>
    internal static double Item(int index, ItemPayload payload, DateTimeOffset? reference) => index switch
    {
        0 => payload.Price ?? 0.0,
        1 => reference is { } latest ? Days(payload.ProductReleasedAt, latest) : 0.0,
        2 => payload.DurationSeconds ?? 0.0,
        _ => throw new ArgumentOutOfRangeException(nameof(index)),
    };

    private static double Days(DateTimeOffset? earlier, DateTimeOffset later) =>
        earlier is { } time ? (later - time).TotalDays : 0.0;
}
