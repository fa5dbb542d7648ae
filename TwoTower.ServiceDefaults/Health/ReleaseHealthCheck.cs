using Microsoft.Extensions.Diagnostics.HealthChecks;
using Npgsql;

namespace TwoTower.ServiceDefaults.Health;

/// <summary>
/// Whether there is a release to recommend by. None is degraded, not unready: a new deployment must be able to collect its first
/// decisions, and popular videos are served.
/// </summary>
internal sealed class ReleaseHealthCheck(NpgsqlDataSource db) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            await using var command = db.CreateCommand(
                """
                select r.model_version, to_regclass(format('two_tower.video_embeddings_%s', r.release_id)) is not null
                from two_tower.active_release a join two_tower.releases r using (release_id)
                """);
            await using var row = await command.ExecuteReaderAsync(cancellationToken);
            if (!await row.ReadAsync(cancellationToken))
            {
                return HealthCheckResult.Degraded("no release is active: train or import one; popular videos and decisions work");
            }

            var version = row.GetString(0);
            return row.GetBoolean(1)
                ? HealthCheckResult.Healthy(data: new Dictionary<string, object> { ["modelVersion"] = version })
                : HealthCheckResult.Degraded($"the active release {version} has no vectors: activate another one");
        }
        catch (NpgsqlException e)
        {
            // Why is for the checks of the database and its schema to say, and they fail; this one is about releases.
            return HealthCheckResult.Degraded($"the active release can't be read: {e.Message}");
        }
    }
}
