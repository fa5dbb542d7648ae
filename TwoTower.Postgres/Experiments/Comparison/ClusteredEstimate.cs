namespace TwoTower.Postgres.Experiments.Comparison;

/// <summary>A value with its 95 % interval.</summary>
/// <param name="Value">The estimate.</param>
/// <param name="Lower">Lower end; null with fewer than two users.</param>
/// <param name="Upper">Upper end.</param>
internal sealed record Interval(double Value, double? Lower, double? Upper, double? StandardError)
{
    private const double Quantile = 1.959963984540054; // of the normal distribution, 97.5 %

    internal static Interval Of(double value, double? variance) => variance is { } v
        ? new(value, value - Quantile * Math.Sqrt(v), value + Quantile * Math.Sqrt(v), Math.Sqrt(v))
        : new(value, null, null, null);
}

/// <summary>
/// An estimate over users as the unit of chance: what one user does isn't independent of what the same one does next, so answers aren't
/// counted as so many trials. Each user's influence ψ is how much of the estimate is that user's; the variance is n / (n − 1) · Σψ².
/// </summary>
/// <param name="Value">The estimate.</param>
/// <param name="Influence">ψ of each user; they sum to 0.</param>
internal sealed record ClusteredEstimate(double Value, IReadOnlyDictionary<Guid, double> Influence)
{
    /// <summary>Variance; null with fewer than two users.</summary>
    public double? Variance => Influence.Count < 2 ? null : Factor(Influence.Count) * Influence.Values.Sum(psi => psi * psi);

    /// <summary>The estimate with its interval.</summary>
    public Interval Interval => Interval.Of(Value, Variance);

    /// <summary>
    /// Σy ÷ Σx over the users, such as likes per recommendation: a ratio of two things that both vary by user. ψ = (y − R·x) ÷ Σx, the
    /// delta method (Cochran, Sampling Techniques, 3rd ed. 1977, ch. 6; Deng, Knoblich, Lu: Applying the Delta Method in Metric Analytics,
    /// KDD 2018). Null where Σx is 0.
    /// </summary>
    /// <param name="y">Numerator of a user.</param>
    /// <param name="x">Denominator of a user.</param>
    public static ClusteredEstimate? Ratio(IReadOnlyCollection<UserOutcome> users, Func<UserOutcome, double> y, Func<UserOutcome, double> x)
    {
        ArgumentNullException.ThrowIfNull(users);
        return Ratio([.. users.Select(user => (user.UserId, y(user), x(user)))]);
    }

    /// <summary>The same of what each user adds to either sum.</summary>
    public static ClusteredEstimate? Ratio(IReadOnlyCollection<(Guid UserId, double Y, double X)> users)
    {
        var total = users.Sum(user => user.X);
        if (total == 0) return null;
        var ratio = users.Sum(user => user.Y) / total;
        return new(ratio, users.ToDictionary(user => user.UserId, user => (user.Y - ratio * user.X) / total));
    }

    /// <summary>
    /// b − a. Users who are in one group only are independent of the others; those in both (one release after the other) count with what
    /// they have in common: Var(b) + Var(a) − 2·Cov.
    /// </summary>
    public static Interval? Difference(ClusteredEstimate? a, ClusteredEstimate? b)
    {
        if (a is null || b is null) return null;
        double? variance = null;
        if (a.Variance is { } left && b.Variance is { } right)
        {
            var shared = a.Influence.Where(user => b.Influence.ContainsKey(user.Key)).Sum(user => user.Value * b.Influence[user.Key]);
            variance = Math.Max(0, left + right - 2 * Factor(Math.Max(a.Influence.Count, b.Influence.Count)) * shared);
        }

        return Interval.Of(b.Value - a.Value, variance);
    }

    private static double Factor(int users) => users / (users - 1.0);
}
