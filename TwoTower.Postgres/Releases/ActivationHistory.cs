using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using TwoTower.Postgres.Entities;

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
    long Id, string ModelVersion, string? Previous, DateTimeOffset At, string Actor, string? Reason, bool IsRollback, long? Undid,
    JsonElement? Numbers);

/// <summary>The history of what was served.</summary>
internal sealed class ActivationHistory(NpgsqlDataSource db)
{
    /// <summary>The activations that a release came or went by, newest first.</summary>
    /// <param name="modelVersion">The release.</param>
    /// <param name="limit">Activations at most.</param>
    public Task<IReadOnlyList<RecordedActivation>> ReadAsync(string modelVersion, int limit = 20, CancellationToken ct = default) =>
        ReleaseErrors.ExplainAsync<IReadOnlyList<RecordedActivation>>(async () =>
        {
            await using var context = TwoTowerDb.Open(db);
            return await context.Set<RecordedActivation>()
                .Where(activation => activation.ModelVersion == modelVersion || activation.Previous == modelVersion)
                .OrderByDescending(activation => activation.Id).Take(limit)
                .ToListAsync(ct);
        });
}
