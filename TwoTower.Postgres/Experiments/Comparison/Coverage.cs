namespace TwoTower.Postgres.Experiments.Comparison;

/// <summary>
/// How much of the catalogue a group of users is shown. More users are shown more, so two releases are compared by what as many users of
/// each are shown on average: the expected number of distinct videos among n users drawn from the N there are is Σ over the videos of
/// 1 − C(N − k, n) ÷ C(N, n), k being the users who were shown a video (sample-based rarefaction: Colwell, Mao, Chang, Ecology 85, 2004).
/// Its uncertainty is the jackknife's over users (Heltshe, Forrester, Biometrics 39, 1983), which is never too small on average (Efron,
/// Stein, Annals of Statistics 9, 1981).
/// </summary>
internal static class Coverage
{
    /// <summary>Share of the catalogue.</summary>
    /// <param name="users">The N users of a group.</param>
    /// <param name="drawn">n, 1..N.</param>
    /// <param name="catalogue">Videos that there are.</param>
    /// <returns>Null for an empty catalogue or no users.</returns>
    public static ClusteredEstimate? Of(IReadOnlyCollection<UserOutcome> users, int drawn, long catalogue)
    {
        ArgumentNullException.ThrowIfNull(users);
        var n = users.Count;
        if (catalogue == 0 || n == 0) return null;
        ArgumentOutOfRangeException.ThrowIfLessThan(drawn, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(drawn, n);

        var value = Sum(users, Shown(n, drawn)) / catalogue;
        if (n == 1) return new(value, users.ToDictionary(user => user.UserId, _ => 0.0));

        // Without a user: the others' videos, those of that user with one user less.
        var without = Shown(n - 1, Math.Min(drawn, n - 1));
        var all = Sum(users, without);
        var left = users.ToDictionary(
            user => user.UserId, user => (all - user.ShownTo.Sum(k => without[k] - without[k - 1])) / catalogue);
        var mean = left.Values.Average();
        return new(value, left.ToDictionary(user => user.Key, user => (mean - user.Value) * (n - 1) / n));
    }

    // A video shown to k users is in the lists of k users.
    private static double Sum(IReadOnlyCollection<UserOutcome> users, double[] shown) =>
        users.Sum(user => user.ShownTo.Sum(k => shown[k] / k));

    /// <summary>Chance that one of n drawn users of N was shown a video of k users, for k = 0..N + 1.</summary>
    private static double[] Shown(int users, int drawn)
    {
        // C(N − k, n) ÷ C(N, n) = Π over i < k of (N − n − i) ÷ (N − i)
        var shown = new double[users + 2];
        var none = 1.0;
        for (var k = 1; k < shown.Length; k++)
        {
            none = k > users ? 0 : none * Math.Max(0, users - drawn - (k - 1)) / (users - (k - 1));
            shown[k] = 1 - none;
        }

        return shown;
    }
}
