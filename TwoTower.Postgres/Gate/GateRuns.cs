using System.Text.Json;
using Npgsql;
using TwoTower.Postgres.Releases;

namespace TwoTower.Postgres.Gate;

/// <summary>The recorded runs of the gate.</summary>
internal static class GateRuns
{
    /// <summary>What the gate decided about a release, newest first.</summary>
    /// <param name="db">The registry's database.</param>
    /// <param name="modelVersion">The release.</param>
    /// <param name="limit">Runs at most.</param>
    public static Task<IReadOnlyList<GateRun>> ReadAsync(NpgsqlDataSource db, string modelVersion, int limit = 20, CancellationToken ct = default) =>
        ReleaseErrors.ExplainAsync<IReadOnlyList<GateRun>>(async () =>
        {
            await using var command = db.CreateCommand(
                """
                select gate_run_id, at, actor, passed, compared_with, reason, numbers::text
                from two_tower.gate_runs where model_version = $1 order by gate_run_id desc limit $2
                """);
            command.Parameters.Add(new() { Value = modelVersion });
            command.Parameters.Add(new() { Value = limit });
            await using var row = await command.ExecuteReaderAsync(ct).ConfigureAwait(false);
            var runs = new List<GateRun>();
            while (await row.ReadAsync(ct).ConfigureAwait(false))
            {
                runs.Add(new(
                    row.GetInt64(0), row.GetFieldValue<DateTimeOffset>(1), row.GetString(2), row.GetBoolean(3),
                    row.IsDBNull(4) ? null : row.GetString(4), row.IsDBNull(5) ? null : row.GetString(5), JsonElement.Parse(row.GetString(6))));
            }

            return runs;
        });
}
