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

    /// <summary>The same rows without decisions that no model reads yet.</summary>
    public static TableSet WithoutAhead(this TableSet tables, DateTimeOffset now) =>
        tables.Decisions.Any(row => IsAhead(row.CreatedAt, now))
            ? tables with { Decisions = [.. tables.Decisions.Where(row => !IsAhead(row.CreatedAt, now))] }
            : tables;
}
