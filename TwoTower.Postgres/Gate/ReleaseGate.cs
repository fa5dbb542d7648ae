using System.Text.Json;
using Npgsql;
using NpgsqlTypes;
using TwoTower.Core;
using TwoTower.Core.Artifacts;
using TwoTower.Core.Inference;
using TwoTower.Postgres.Releases;

namespace TwoTower.Postgres.Gate;

/// <summary>
/// The gate that a release passes before it is ready, and again before it is activated by itself: files, weights, networks, probes,
/// vectors, their agreement, and quality beside the live release's. Looks and records (<c>two_tower.gate_runs</c>), moves nothing.
/// </summary>
/// <param name="options">Thresholds.</param>
internal sealed class ReleaseGate(NpgsqlDataSource db, GateOptions options)
{
    private readonly ReleaseStore _store = new(db);

    /// <summary>Runs every check that those before it leave sense in, and records the outcome.</summary>
    /// <param name="release">The release.</param>
    /// <param name="videoIds">The videos that must have a vector, those deleted meanwhile aside; null: all that were made before its embedding began.</param>
    /// <param name="actor">Who asks.</param>
    /// <param name="ct">Cancels; nothing is recorded then.</param>
    /// <exception cref="InputException">There is no such release.</exception>
    public async Task<GateReport> RunAsync(Release release, IReadOnlyList<Guid>? videoIds, string actor, CancellationToken ct = default)
    {
        ArgumentNullException.ThrowIfNull(release);
        using var span = ReleaseTelemetry.Begin("gate", release.ModelVersion);
        span.LinkToTraining(release.TraceParent);
        var checks = new List<GateCheck>();
        var active = await _store.GetActiveAsync(ct).ConfigureAwait(false);
        var live = active?.Id == release.Id ? null : active;
        var (quality, missing) = await CheckAsync(release, live, videoIds, checks, ct).ConfigureAwait(false);
        var failed = checks.Where(check => !check.Passed).Select(check => check.Detail).ToList();
        var report = new GateReport
        {
            ModelVersion = release.ModelVersion,
            Reason = failed.Count > 0 ? string.Join("; ", failed) : null,
            ComparedWith = live?.ModelVersion,
            Checks = checks,
            Quality = quality,
            WithoutVector = missing,
        };
        ReleaseTelemetry.Gated(report.Passed);
        return report with { Run = await RecordAsync(report, actor, ct).ConfigureAwait(false) };
    }

    private async Task<(GateQuality? Quality, long Missing)> CheckAsync(
        Release release, Release? live, IReadOnlyList<Guid>? videoIds, List<GateCheck> checks, CancellationToken ct)
    {
        ReleaseFileSet files;
        try
        {
            files = await _store.OpenAsync(release.ModelVersion, ct).ConfigureAwait(false);
            checks.Add(new("files", true, $"{files.Files.Count} files have the size and the SHA-256 that were registered"));
        }
        catch (InputException e)
        {
            checks.Add(new("files", false, e.Message.TrimEnd('.')));
            return (null, 0);
        }

        checks.Add(FileChecks.Weights(files));
        if (checks[^1].Passed) checks.Add(FileChecks.Networks(files, release));
        if (checks[^1].Passed) checks.Add(FileChecks.Probes(files));
        var sound = checks[^1].Passed;

        var vectors = await ReleaseVectors.OpenAsync(db, release, ct).ConfigureAwait(false);
        var complete = files.Contains(ArtifactNames.ItemTower);
        var (table, missing) = await VectorChecks.TableAsync(
            db, vectors, videoIds ?? await VideosAsync(release, ct).ConfigureAwait(false), complete, ct).ConfigureAwait(false);
        checks.Add(table);
        if (!sound || !table.Passed) return (null, missing);
        if (complete)
        {
            using var tower = ItemTower.FromFiles(files);
            checks.Add(await VectorChecks.AgreementAsync(db, vectors, tower, ct).ConfigureAwait(false));
            if (!checks[^1].Passed) return (null, missing);
        }

        var (check, quality) = await QualityCheck.RunAsync(db, options, (release, files), live, ct).ConfigureAwait(false);
        checks.Add(check);
        return (quality, missing);
    }

    private Task<long> RecordAsync(GateReport report, string actor, CancellationToken ct) => ReleaseErrors.ExplainAsync(async () =>
    {
        await using var command = db.CreateCommand("select two_tower.record_gate_run($1, $2, $3, $4, $5, $6)");
        command.Parameters.Add(new() { Value = report.ModelVersion });
        command.Parameters.Add(new() { Value = report.Passed });
        command.Parameters.Add(new() { Value = actor });
        command.Parameters.Add(new() { Value = (object?)report.Reason ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        command.Parameters.Add(new() { Value = (object?)report.ComparedWith ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        command.Parameters.Add(new()
        {
            Value = JsonSerializer.Serialize(new { report.Checks, report.Quality, report.WithoutVector, options }, ArtifactJson.Options),
            NpgsqlDbType = NpgsqlDbType.Jsonb,
        });
        return (long)(await command.ExecuteScalarAsync(ct).ConfigureAwait(false))!;
    });

    // One that came after the embedding began gets its vector from whoever follows the catalogue, when the release is active.
    private async Task<Guid[]> VideosAsync(Release release, CancellationToken ct)
    {
        await using var command = db.CreateCommand(
            """
            select v.id from public.videos v
            where v.created_at is null or v.created_at <= coalesce((
                select max(t.at) from two_tower.release_transitions t where t.release_id = $1 and t.to_state = 'embedding'), 'infinity')
            order by v.id
            """);
        command.Parameters.Add(new() { Value = release.Id });
        await using var reader = await command.ExecuteReaderAsync(ct).ConfigureAwait(false);
        var ids = new List<Guid>();
        while (await reader.ReadAsync(ct).ConfigureAwait(false)) ids.Add(reader.GetGuid(0));
        return [.. ids];
    }
}
