using Microsoft.Extensions.Diagnostics.HealthChecks;
using Npgsql;
using TwoTower.Postgres.Connections;

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
            var active = await db.Sql(
                """
                select r.model_version, to_regclass(format('two_tower.video_embeddings_%s', r.release_id)) is not null as has_vectors
                from two_tower.active_release a join two_tower.releases r using (release_id)
                """)
                .FirstOrNullAsync(
                    row => new { Version = row.Get<string>("model_version"), HasVectors = row.Get<bool>("has_vectors") },
                    cancellationToken);
            if (active is null)
            {
                return HealthCheckResult.Degraded("no release is active: train or import one; popular videos and decisions work");
            }

            return active.HasVectors
                ? HealthCheckResult.Healthy(data: new Dictionary<string, object> { ["modelVersion"] = active.Version })
                : HealthCheckResult.Degraded($"the active release {active.Version} has no vectors: activate another one");
        }
        catch (NpgsqlException e)
        {
            // Why is for the checks of the database and its schema to say, and they fail; this one is about releases.
            return HealthCheckResult.Degraded($"the active release can't be read: {e.Message}");
        }
    }
}
