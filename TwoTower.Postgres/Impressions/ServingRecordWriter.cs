using Npgsql;
using TwoTower.Postgres.Connections;

namespace TwoTower.Postgres.Impressions;

/// <summary>
/// Brings what was taken down to the database, in batches. What couldn't be written is written the next time. One caller at a time.
/// </summary>
/// <param name="recorder">Where it comes from.</param>
/// <param name="options">Bounds.</param>
internal sealed class ServingRecordWriter(NpgsqlDataSource db, ServingRecorder recorder, ImpressionOptions options)
{
    private const int BatchRows = 5_000;

    private readonly List<ServedAnswer> _batch = [];

    /// <summary>Writes everything that is waiting.</summary>
    /// <returns>Impressions recorded.</returns>
    public async Task<long> FlushAsync(CancellationToken ct = default)
    {
        await FlushCountsAsync(ct);
        var recorded = 0L;
        while (Fill())
        {
            var rows = await WriteAsync(ct);
            if (rows == 0) ImpressionTelemetry.Lost("limit", _batch.Count);
            ImpressionTelemetry.Recorded(rows);
            recorded += rows;
            _batch.Clear();
        }

        return recorded;
    }

    /// <summary>Says what is given up on at the end of the process.</summary>
    public void GiveUp()
    {
        while (Fill())
        {
            ImpressionTelemetry.Lost("lost", _batch.Count);
            _batch.Clear();
        }
    }

    // What a failed write left is still there and goes first.
    private bool Fill()
    {
        var rows = _batch.Sum(answer => answer.Rows);
        while (rows < BatchRows && recorder.Pending.TryRead(out var answer))
        {
            _batch.Add(answer);
            rows += answer.Rows;
        }

        return rows > 0;
    }

    private async Task FlushCountsAsync(CancellationToken ct)
    {
        var outcomes = recorder.TakeOutcomes();
        if (outcomes.Counts.Count == 0) return;
        try
        {
            // One statement: both are written or neither.
            var (counts, faults) = (outcomes.Counts, outcomes.Faults.ToArray());
            await db.Sql(
                """
                select two_tower.add_serving_counts(@versions, @answers, @empty, @failed),
                    two_tower.add_serving_faults(@fault_versions, @fault_kinds, @fault_users)
                """)
                .With<string[]>("versions", [.. counts.Keys])
                .With<long[]>("answers", [.. counts.Values.Select(count => count.Answers)])
                .With<long[]>("empty", [.. counts.Values.Select(count => count.Empty)])
                .With<long[]>("failed", [.. counts.Values.Select(count => count.Failed)])
                .With("fault_versions", Array.ConvertAll(faults, fault => fault.ModelVersion))
                .With("fault_kinds", Array.ConvertAll(faults, fault => fault.Kind == ServingFaultKind.Failed ? "failed" : "empty"))
                .With("fault_users", Array.ConvertAll(faults, fault => fault.UserId))
                .ExecuteAsync(ct);
        }
        catch
        {
            recorder.PutBack(outcomes);
            throw;
        }
    }

    private Task<long> WriteAsync(CancellationToken ct)
    {
        var rows = _batch.SelectMany(answer => answer.VideoIds.Length == 0
            ? [(Answer: answer, Video: (Guid?)null, Rank: 0)]
            : answer.VideoIds.Select((id, i) => (Answer: answer, Video: (Guid?)id, Rank: i + 1))).ToList();
        return db.Sql(
            "select two_tower.record_impressions(@served_at, @versions, @experiments, @users, @videos, @ranks, @strategies, @max_rows)")
            .With<DateTimeOffset[]>("served_at", [.. rows.Select(row => row.Answer.ServedAt)])
            .With<string?[]>("versions", [.. rows.Select(row => row.Answer.ModelVersion)])
            .With<long?[]>("experiments", [.. rows.Select(row => row.Answer.ExperimentId)])
            .With<Guid[]>("users", [.. rows.Select(row => row.Answer.UserId)])
            .With<Guid?[]>("videos", [.. rows.Select(row => row.Video)])
            .With<int[]>("ranks", [.. rows.Select(row => row.Rank)])
            .With<string[]>("strategies", [.. rows.Select(row => row.Answer.Strategy)])
            .With("max_rows", options.MaxRows)
            .ScalarAsync<long>(ct);
    }
}
