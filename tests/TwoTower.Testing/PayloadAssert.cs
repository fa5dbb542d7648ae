using TwoTower.Core.Features;
using Xunit;

namespace TwoTower.Testing;

/// <summary>Equality of payloads as the contract has it: lists without order, times as instants, numbers to 1e-6 · max(1, |x|).</summary>
internal static class PayloadAssert
{
    public static void Equal(UserPayload expected, UserPayload actual)
    {
        var who = $"user {expected.UserId}";
        Assert.Equal(expected.UserId, actual.UserId);
        Assert.True(expected.Profile.CreatedAt == actual.Profile.CreatedAt, $"{who}: created_at");
        var (left, right) = (expected.DecisionStats, actual.DecisionStats);
        Assert.True(
            (left.LikeCount, left.NopeCount, left.DecisionCount, left.RecentLikeAt) == (
                right.LikeCount, right.NopeCount, right.DecisionCount, right.RecentLikeAt),
            $"{who}: expected {left}, got {right}");
        Close.Equal(left.AverageLikeHour, right.AverageLikeHour, $"{who}: average_like_hour");
        Close.Equal(expected.PriceStats.Mean, actual.PriceStats.Mean, $"{who}: mean price");
        Close.Equal(expected.PriceStats.Median, actual.PriceStats.Median, $"{who}: median price");
        Assert.Equal(expected.Tags.Order(StringComparer.Ordinal), actual.Tags.Order(StringComparer.Ordinal));
        Assert.Equal(expected.Performers.Order(StringComparer.Ordinal), actual.Performers.Order(StringComparer.Ordinal));
    }

    public static void Equal(ItemPayload expected, ItemPayload actual)
    {
        Assert.Equal(expected.VideoId, actual.VideoId);
        Close.Equal(expected.Price ?? double.MinValue, actual.Price ?? double.MinValue, $"video {expected.VideoId}: price");
        Assert.Equal(
            (expected.DurationSeconds, expected.ProductReleasedAt, expected.DistributionStartedAt, expected.SafetyLevel),
            (actual.DurationSeconds, actual.ProductReleasedAt, actual.DistributionStartedAt, actual.SafetyLevel));
        Assert.Equal(expected.RegionCodes.Order(StringComparer.Ordinal), actual.RegionCodes.Order(StringComparer.Ordinal));
        Assert.Equal(expected.Tags.Order(StringComparer.Ordinal), actual.Tags.Order(StringComparer.Ordinal));
        Assert.Equal(expected.Performers.Order(StringComparer.Ordinal), actual.Performers.Order(StringComparer.Ordinal));

        // Exactly: the same single-precision numbers, whichever way they came.
        Assert.Equal(expected.VideoFeatures is null, actual.VideoFeatures is null);
        Assert.Equal(
            expected.VideoFeatures?.OrderBy(vector => vector.Key, StringComparer.Ordinal),
            actual.VideoFeatures?.OrderBy(vector => vector.Key, StringComparer.Ordinal));
    }
}
