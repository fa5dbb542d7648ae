using System.Text.Json;
using Npgsql;
using TwoTower.Core;
using TwoTower.Core.Artifacts;
using TwoTower.Core.Formats;
using TwoTower.Core.Inference;
using TwoTower.Postgres.Connections;
using TwoTower.Postgres.Releases;
using TwoTower.Postgres.Tables;

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
    /// <param name="videoIds">The videos that must have a vector, those deleted meanwhile aside; null: all that were made before its embedding began.</param>
    /// <param name="actor">Who asks.</param>
    /// <param name="ct">Cancels; nothing is recorded then.</param>
    /// <exception cref="InputException">There is no such release, or row-level security hides rows.</exception>
    public async Task<GateReport> RunAsync(Release release, IReadOnlyList<Guid>? videoIds, string actor, CancellationToken ct = default)
    {
        ArgumentNullException.ThrowIfNull(release);
        using var span = ReleaseTelemetry.Begin("gate", release.ModelVersion);
        span.LinkToTraining(release.TraceParent);
        var checks = new List<GateCheck>();
        var active = await _store.GetActiveAsync(ct);
        var live = active?.Id == release.Id ? null : active;
        var (quality, missing) = await CheckAsync(release, live, videoIds, checks, ct);
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
        return report with { Run = await RecordAsync(report, actor, ct) };
    }

    private async Task<(GateQuality? Quality, long Missing)> CheckAsync(
        Release release, Release? live, IReadOnlyList<Guid>? videoIds, List<GateCheck> checks, CancellationToken ct)
    {
        ReleaseFileSet files;
        try
        {
            files = await _store.OpenAsync(release.ModelVersion, ct);
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

        var vectors = await ReleaseVectors.OpenAsync(db, release, ct);
        var complete = files.Contains(ArtifactNames.ItemTower);
        var (table, missing) = await VectorChecks.TableAsync(
            db, vectors, videoIds ?? await VideosAsync(release, ct), complete, ct);
        checks.Add(table);
        if (!sound || !table.Passed) return (null, missing);
        if (complete)
        {
            using var tower = ItemTower.FromFiles(files);
            checks.Add(await VectorChecks.AgreementAsync(db, vectors, tower, ct));
            if (!checks[^1].Passed) return (null, missing);
        }

        var (check, quality) = await QualityCheck.RunAsync(db, options, (release, files), live, ct);
        checks.Add(check);
        return (quality, missing);
    }

    private Task<long> RecordAsync(GateReport report, string actor, CancellationToken ct) => ReleaseErrors.ExplainAsync(() =>
        db.Sql("select two_tower.record_gate_run(@version, @passed, @actor, @reason, @compared_with, @numbers)")
            .With("version", report.ModelVersion).With("passed", report.Passed).With("actor", actor).With("reason", report.Reason)
            .With("compared_with", report.ComparedWith)
            .WithJson("numbers", JsonSerializer.Serialize(
                new { report.Checks, report.Quality, report.WithoutVector, options }, SnakeCaseJson.Strict))
            .ScalarAsync<long>(ct));

    // One that came after the embedding began gets its vector from whoever follows the catalogue, when the release is active.
    private async Task<IReadOnlyList<Guid>> VideosAsync(Release release, CancellationToken ct) =>
        await WholeTables.ReadAsync(db, WholeTables.Catalogue, connection => connection.Sql(
            """
            select v.id from public.videos v
            where v.id is not null and (v.created_at is null or v.created_at <= coalesce((
                select max(t.at) from two_tower.release_transitions t
                where t.release_id = @release and t.to_state = 'embedding'), 'infinity'))
            order by v.id
            """)
            .With("release", release.Id).ListAsync<Guid>(ct), ct);
}
