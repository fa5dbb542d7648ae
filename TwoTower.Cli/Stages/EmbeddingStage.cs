using Microsoft.Extensions.Logging;
using Npgsql;
using TwoTower.Cli.Hosting;
using TwoTower.Cli.Output;
using TwoTower.Cli.Telemetry;
using TwoTower.Embedding;
using TwoTower.Embedding.Settings;
using TwoTower.Embedding.Telemetry;
using TwoTower.Postgres.Releases;

namespace TwoTower.Cli.Stages;

/// <summary>The embedding stage, with progress; what embed and demo share.</summary>
internal static class EmbeddingStage
{
    public static async Task<EmbedResult> RunAsync(Session session, NpgsqlDataSource db, string? release, bool activate)
    {
        session.Kept = "the vectors made so far are kept and what is served hasn't changed; run the same command to go on";
        await using var telemetry = await PartTelemetry.StartAsync(session, "embedder");
        var options = new EmbedOptions { Activate = activate, Actor = ReleaseOptions.Actor, Gate = GateSettings.Read() };
        var result = await session.Terminal.StageAsync("embedding", "videos", progress =>
            new EmbedJob(db, session.Time).RunAsync(release, options, new Relay<EmbedProgress>(progress, Stage), session.Stop));
        foreach (var warning in result.Warnings)
        {
            telemetry.Log.LogWarning("{Warning}", warning);
            session.Terminal.Warn(warning);
        }

        telemetry.Log.LogInformation("Embedded {Videos} videos for {ModelVersion}", result.Videos, result.ModelVersion);
        return result;
    }

    /// <summary>Whether a release that is ready is served already, or what serves it.</summary>
    public static async Task<string> NextAsync(NpgsqlDataSource db, string modelVersion, CancellationToken ct) =>
        (await new ReleaseStore(db).GetActiveAsync(ct))?.ModelVersion == modelVersion
            ? "it is active" : $"'twotower releases activate {modelVersion}' serves it";

    /// <summary>A job's progress as a stage's.</summary>
    public static StageProgress Stage(EmbedProgress progress) =>
        new(progress.Done, progress.Total, progress.Stage == EmbedStage.Embedding ? null : progress.Stage.ToString().ToLowerInvariant());
}
