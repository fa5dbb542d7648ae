using Microsoft.Extensions.Diagnostics.HealthChecks;
using Npgsql;
using TwoTower.Core;
using TwoTower.Postgres.Schema;

namespace TwoTower.ServiceDefaults.Health;

/// <summary>
/// Whether the database has the extension and the schema that this program needs. A newer program's schema is degraded, not unready:
/// in a roll-out the database is migrated first, and the replicas of before must go on until they are replaced.
/// </summary>
internal sealed class SchemaHealthCheck(NpgsqlDataSource db, TimeProvider time) : IHealthCheck
{
    // A schema that was right stays right; a probe every few seconds needn't read the catalogue each time.
    private static readonly TimeSpan Remembered = TimeSpan.FromMinutes(1);
    private long? _wasCurrentAt;

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        if (_wasCurrentAt is { } then && time.GetElapsedTime(then) < Remembered) return HealthCheckResult.Healthy();
        try
        {
            var status = await Migrator.StatusAsync(db, cancellationToken);
            _wasCurrentAt = status.IsCurrent ? time.GetTimestamp() : null;
            return ResultOf(status);
        }
        catch (InputException e)
        {
            return HealthCheckResult.Unhealthy(e.Message);
        }
    }

    private static HealthCheckResult ResultOf(MigrationStatus status)
    {
        if (status.Server.VectorVersion is null)
        {
            return HealthCheckResult.Unhealthy("the extension vector isn't installed: run 'twotower db migrate'");
        }

        if (status.Pending.Count > 0)
        {
            return HealthCheckResult.Unhealthy($"migrations are pending ({string.Join(", ", status.Pending)}): run 'twotower db migrate'");
        }

        if (status.MissingFunctions.Count > 0)
        {
            return HealthCheckResult.Unhealthy($"functions are missing ({string.Join(", ", status.MissingFunctions)}): run 'twotower db migrate'");
        }

        return status.IsCurrent
            ? HealthCheckResult.Healthy()
            : HealthCheckResult.Degraded(
                "the database has another version's functions or migrations: replace this program with that version, or run 'twotower db migrate'");
    }
}
