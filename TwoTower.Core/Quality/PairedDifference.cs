namespace TwoTower.Core.Quality;

/// <summary>How much better one of two releases answered the same users, and how sure that is.</summary>
/// <param name="Mean">Mean over the users of (a − b).</param>
/// <param name="StandardError">Standard error of that mean: sample deviation ÷ √users.</param>
internal readonly record struct PairedDifference(double Mean, double StandardError)
{
    /// <summary>Compares user by user: what is hard for both falls out.</summary>
    public static PairedDifference Of(IReadOnlyList<double> a, IReadOnlyList<double> b)
    {
        ArgumentNullException.ThrowIfNull(a);
        ArgumentNullException.ThrowIfNull(b);
        if (a.Count != b.Count || a.Count < 2) throw new ArgumentException($"Two or more users, the same ones, were expected; there are {a.Count} and {b.Count}.", nameof(b));
        var mean = a.Zip(b, (x, y) => x - y).Average();
        var squares = a.Zip(b, (x, y) => (x - y - mean) * (x - y - mean)).Sum();
        return new(mean, Math.Sqrt(squares / (a.Count - 1) / a.Count));
    }
}
