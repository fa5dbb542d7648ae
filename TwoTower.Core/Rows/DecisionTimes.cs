namespace TwoTower.Core.Rows;

/// <summary>Which decisions a model reads by their time, whether they come from files or from a database.</summary>
internal static class DecisionTimes
{
    /// <summary>How far ahead a decision may be dated and count: clocks differ by minutes. <c>TableQueries.Decisions</c> says the same in
    /// SQL.</summary>
    public static readonly TimeSpan Tolerance = TimeSpan.FromMinutes(10);

    /// <summary>What to tell of decisions that are too far ahead; follows their number.</summary>
    public const string Ahead = "decisions are dated after now: no model learns from them before";

    /// <summary>True for a time that no model reads yet.</summary>
    public static bool IsAhead(DateTimeOffset? at, DateTimeOffset now) => at > now + Tolerance;

    /// <summary>The same for a time that PostgreSQL has and .NET hasn't.</summary>
    /// <param name="at">The time; null where .NET has none.</param>
    /// <param name="exact">The time as PostgreSQL writes it, where .NET has none: infinity, BC, or with a year of one to six digits.</param>
    /// <param name="now">The time that it is.</param>
    public static bool IsAhead(DateTimeOffset? at, string? exact, DateTimeOffset now)
    {
        if (exact is null) return IsAhead(at, now);
        if (exact.StartsWith("infinity", StringComparison.OrdinalIgnoreCase)) return true;

        // The year is enough: .NET lacks those of this one only with seconds in the offset, which no clock has had for a century.
        return !exact.EndsWith("BC", StringComparison.OrdinalIgnoreCase)
            && int.TryParse(exact.AsSpan(0, Math.Max(exact.IndexOf('-', StringComparison.Ordinal), 0)), out var year)
            && year > now.UtcDateTime.Year;
    }

    /// <summary>The same rows without decisions that no model reads yet.</summary>
    public static TableSet WithoutAhead(this TableSet tables, DateTimeOffset now) =>
        tables.Decisions.Any(row => IsAhead(row.CreatedAt, now))
            ? tables with { Decisions = [.. tables.Decisions.Where(row => !IsAhead(row.CreatedAt, now))] }
            : tables;
}
