using Xunit;
using Xunit.Sdk;

namespace TwoTower.Testing;

/// <summary>Comparison of numbers to the contract's tolerance.</summary>
internal static class Close
{
    /// <summary>Fails unless |actual − expected| ≤ tolerance · max(1, |expected|).</summary>
    public static void Equal(double expected, double actual, string what, double tolerance = 1e-6)
    {
        if (!(Math.Abs(actual - expected) <= tolerance * Math.Max(1, Math.Abs(expected))))
        {
            throw new XunitException($"{what}: expected {expected:R}, got {actual:R}, further apart than {tolerance} · max(1, |x|)");
        }
    }

    /// <summary>Fails unless every number is close.</summary>
    public static void Equal(IReadOnlyList<double> expected, IReadOnlyList<double> actual, string what, double tolerance = 1e-6)
    {
        Assert.Equal(expected.Count, actual.Count);
        for (var i = 0; i < expected.Count; i++) Equal(expected[i], actual[i], $"{what}[{i}]", tolerance);
    }
}
