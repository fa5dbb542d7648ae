namespace TwoTower.Core.Features;

/// <summary>
/// A user's decided videos as one release sees them: the sums of the history vectors of the liked and of the noped ones. A video counts
/// once, by the latest decision on it; videos without a vector don't count.
/// </summary>
/// <param name="Likes">Liked videos with a history vector.</param>
/// <param name="Nopes">Noped videos with one.</param>
/// <param name="Liked">Sum of the first halves of the liked videos' vectors; empty with none.</param>
/// <param name="Noped">Sum of the second halves of the noped videos' vectors; empty with none.</param>
public sealed record PooledHistory(int Likes, int Nopes, float[] Liked, float[] Noped)
{
    /// <summary>What a sum is divided by at least.</summary>
    internal const double LeastDivisor = 1e-9;

    /// <summary>The history of a user without decisions.</summary>
    public static PooledHistory Empty { get; } = new(0, 0, [], []);
}
