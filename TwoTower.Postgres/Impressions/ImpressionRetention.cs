using Npgsql;
using TwoTower.Postgres.Connections;

namespace TwoTower.Postgres.Impressions;

/// <summary>How impressions go: a day at a time, oldest first. Any number of processes may do it.</summary>
/// <param name="options">Days and rows that stay.</param>
/// <param name="time">For waits between two tries.</param>
internal sealed class ImpressionRetention(NpgsqlDataSource db, ImpressionOptions options, TimeProvider time)
{
    // As with the vectors of a release: a drop that waits makes others wait behind it, so it waits briefly and tries again.
    private const int LockWaitMs = 200, Tries = 25;

    /// <summary>Drops the days that are beyond the options, and the counts of answers that are older.</summary>
    /// <param name="ct">Cancels; what was dropped is gone.</param>
    /// <returns>The days that were dropped, oldest first. What somebody is reading all the time is left to the next run.</returns>
    public async Task<IReadOnlyList<DateOnly>> PruneAsync(CancellationToken ct = default)
    {
        var dropped = new List<DateOnly>();
        for (var tries = 1; tries <= Tries;)
        {
            var (day, busy) = await db.Sql("select dropped, busy from two_tower.drop_impressions(@days, @max_rows, @wait_ms)")
                .With("days", options.Days).With("max_rows", options.MaxRows).With("wait_ms", LockWaitMs)
                .SingleAsync(row => (row.Get<DateOnly?>("dropped"), row.Get<bool>("busy")), ct);
            if (day is { } gone) dropped.Add(gone);
            else if (!busy) break;
            else if (++tries <= Tries) await Task.Delay(TimeSpan.FromMilliseconds(LockWaitMs), time, ct);
        }

        foreach (var table in new[] { "serving_counts", "serving_faults" })
        {
            await db.Sql($"delete from two_tower.{table} where minute < clock_timestamp() - make_interval(days => @days)")
                .With("days", options.Days).ExecuteAsync(ct);
        }

        return dropped;
    }
}
