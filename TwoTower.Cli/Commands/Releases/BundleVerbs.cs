using System.CommandLine;
using TwoTower.Cli.Hosting;
using TwoTower.Cli.Output;
using TwoTower.Cli.Stages;
using TwoTower.Core.Formats;
using TwoTower.Embedding;
using TwoTower.Embedding.Settings;
using TwoTower.Embedding.Telemetry;

namespace TwoTower.Cli.Commands.Releases;

/// <summary><c>twotower releases export|import DIR</c>.</summary>
internal static class BundleVerbs
{
    /// <summary>The same as <c>twotower export</c>.</summary>
    public static Verb Export(CommandHost host) => ExportCommand.Create(host, "twotower releases export");

    public static Verb Import(CommandHost host)
    {
        var folder = new Argument<string>("DIR") { Description = "A bundle: a folder of artifacts with its manifest." };
        var activate = new Option<bool>("--activate") { Description = "Serve the release when the gate has passed it." };
        var command = new Verb(
            "import", "Register a bundle as a release: verified, its vectors loaded, indexed, passed by the gate.",
            """
            Takes what 'twotower releases export' or the original program wrote (docs/artifacts.md). The same bundle again changes nothing.

            Example:
              twotower releases import path/to/bundle --activate
            """)
        { folder, activate, CommonOptions.Database };
        host.Handle(command, async session =>
        {
            var options =
                new EmbedOptions { Activate = session.Parse.GetValue(activate), Actor = ReleaseOptions.Actor, Gate = GateSettings.Read() };
            var db = await session.OpenDatabaseAsync();
            session.Kept = "what is served hasn't changed; run the same command to go on";
            var loaded = await session.Terminal.StageAsync("loading the bundle", "vectors", progress => new ImportBundleJob(db, session.Time).RunAsync(
                session.Parse.GetValue(folder)!, options, new Relay<EmbedProgress>(progress, EmbeddingStage.Stage), session.Stop));
            foreach (var warning in loaded.Warnings) session.Terminal.Warn(warning);
            var next = await EmbeddingStage.NextAsync(db, loaded.ModelVersion, session.Stop);
            session.Terminal.Result(
                new { loaded.ModelVersion, loaded.Videos, loaded.Skipped, loaded.WithoutVector, loaded.Activated, loaded.Warnings },
                () => session.Terminal.Say($"{loaded.ModelVersion}: {Amounts.Count(loaded.Videos)} videos have a vector; {next}"));
        });
        return command;
    }
}
