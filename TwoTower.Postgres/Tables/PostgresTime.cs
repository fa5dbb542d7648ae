namespace TwoTower.Postgres.Tables;

/// <summary>
/// PostgreSQL's timestamptz as it is sent: microseconds since 2000. As a <see cref="DateTime"/> Npgsql takes year 1 for minus infinity, and
/// fails on what .NET has no time for.
/// </summary>
internal static class PostgresTime
{
    private static readonly long Epoch = new DateTime(2000, 1, 1, 0, 0, 0, DateTimeKind.Utc).Ticks;

    public static long ToMicros(DateTimeOffset time) =>
        (time.UtcTicks / TimeSpan.TicksPerMicrosecond) - (Epoch / TimeSpan.TicksPerMicrosecond);

    /// <summary>The time; null for infinity, before year 1 and after year 9999.</summary>
    public static DateTimeOffset? FromMicros(long micros)
    {
        var (first, last) = (-Epoch / TimeSpan.TicksPerMicrosecond, (DateTime.MaxValue.Ticks - Epoch) / TimeSpan.TicksPerMicrosecond);
        return micros < first || micros > last ? null : new DateTimeOffset(Epoch + micros * TimeSpan.TicksPerMicrosecond, TimeSpan.Zero);
    }
}
