using System.Text.Json;
using Npgsql;

namespace TwoTower.Postgres.Releases;

/// <summary>One activation, as the database recorded it.</summary>
/// <param name="Id">Its number.</param>
/// <param name="ModelVersion">The release that became active.</param>
/// <param name="Previous">The one that was; null: none.</param>
/// <param name="At">By the database's clock.</param>
/// <param name="IsRollback">True when it went back.</param>
/// <param name="Undid">The activation that it undid by itself; null: it was asked for.</param>
/// <param name="Numbers">What that was decided by, JSON.</param>
internal sealed record RecordedActivation(
    long Id, string ModelVersion, string? Previous, DateTimeOffset At, string Actor, string? Reason, bool IsRollback, long? Undid, JsonElement? Numbers);

/// <summary>The history of what was served.</summary>
internal sealed class ActivationHistory(NpgsqlDataSource db)
{
    /// <summary>The activations that a release came or went by, newest first.</summary>
    /// <param name="modelVersion">The release.</param>
    /// <param name="limit">Activations at most.</param>
    public Task<IReadOnlyList<RecordedActivation>> ReadAsync(string modelVersion, int limit = 20, CancellationToken ct = default) =>
        ReleaseErrors.ExplainAsync<IReadOnlyList<RecordedActivation>>(async () =>
        {
            await using var command = db.CreateCommand(
                """
                select activation_id, model_version, previous_model_version, at, actor, reason, is_rollback, undid_activation_id, numbers::text
                from two_tower.activations where $1 in (model_version, previous_model_version) order by activation_id desc limit $2
                """);
            command.Parameters.Add(new() { Value = modelVersion });
            command.Parameters.Add(new() { Value = limit });
            await using var row = await command.ExecuteReaderAsync(ct).ConfigureAwait(false);
            var activations = new List<RecordedActivation>();
            while (await row.ReadAsync(ct).ConfigureAwait(false))
            {
                string? Maybe(int i) => row.IsDBNull(i) ? null : row.GetString(i);
                activations.Add(new(
                    row.GetInt64(0), row.GetString(1), Maybe(2), row.GetFieldValue<DateTimeOffset>(3), row.GetString(4), Maybe(5), row.GetBoolean(6),
                    row.IsDBNull(7) ? null : row.GetInt64(7), Maybe(8) is { } numbers ? JsonElement.Parse(numbers) : null));
            }

            return activations;
        });
}
