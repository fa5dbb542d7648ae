using Npgsql;
using NpgsqlTypes;

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
        await FlushCountsAsync(ct).ConfigureAwait(false);
        var recorded = 0L;
        while (Fill())
        {
            var rows = await WriteAsync(ct).ConfigureAwait(false);
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
            await using var command = db.CreateCommand("select two_tower.add_serving_counts($1, $2, $3, $4), two_tower.add_serving_faults($5, $6, $7)");
            var (counts, faults) = (outcomes.Counts, outcomes.Faults.ToArray());
            command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. counts.Keys] });
            command.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. counts.Values.Select(count => count.Answers)] });
            command.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. counts.Values.Select(count => count.Empty)] });
            command.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. counts.Values.Select(count => count.Failed)] });
            command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = Array.ConvertAll(faults, fault => fault.ModelVersion) });
            command.Parameters.Add(new NpgsqlParameter<string[]>
            {
                TypedValue = Array.ConvertAll(faults, fault => fault.Kind == ServingFaultKind.Failed ? "failed" : "empty"),
            });
            command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = Array.ConvertAll(faults, fault => fault.UserId) });
            await command.ExecuteNonQueryAsync(ct).ConfigureAwait(false);
        }
        catch
        {
            recorder.PutBack(outcomes);
            throw;
        }
    }

    private async Task<long> WriteAsync(CancellationToken ct)
    {
        var rows = _batch.SelectMany(answer => answer.VideoIds.Length == 0
            ? [(Answer: answer, Video: (Guid?)null, Rank: 0)]
            : answer.VideoIds.Select((id, i) => (Answer: answer, Video: (Guid?)id, Rank: i + 1))).ToList();
        await using var command = db.CreateCommand("select two_tower.record_impressions($1, $2, $3, $4, $5, $6, $7, $8)");
        command.Parameters.Add(new() { Value = rows.Select(row => row.Answer.ServedAt).ToArray() });
        command.Parameters.Add(new() { Value = rows.Select(row => row.Answer.ModelVersion).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text });
        command.Parameters.Add(new() { Value = rows.Select(row => row.Answer.ExperimentId).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bigint });
        command.Parameters.Add(new() { Value = rows.Select(row => row.Answer.UserId).ToArray() });
        command.Parameters.Add(new() { Value = rows.Select(row => row.Video).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Uuid });
        command.Parameters.Add(new() { Value = rows.Select(row => row.Rank).ToArray() });
        command.Parameters.Add(new() { Value = rows.Select(row => row.Answer.Strategy).ToArray() });
        command.Parameters.Add(new() { Value = options.MaxRows });
        return (long)(await command.ExecuteScalarAsync(ct).ConfigureAwait(false))!;
    }
}
