using System.CommandLine;
using TwoTower.Cli.Hosting;
using TwoTower.Cli.Stages;
using TwoTower.Core.Formats;

namespace TwoTower.Cli.Commands;

/// <summary><c>twotower embed</c>: one vector a video and the index of a release.</summary>
internal static class EmbedCommand
{
    /// <summary>The release of a verb, by its version.</summary>
    public static Option<string?> Release(string fallback) =>
        new("--release") { Description = $"The release's model_version; {fallback} when left out.", HelpName = "VERSION" };

    public static Command Create(CommandHost host)
    {
        var release = Release("the newest that isn't embedded yet, or else the active one,");
        var activate = new Option<bool>("--activate") { Description = "Serve the release as soon as it is ready." };
        var command = new Verb(
            "embed", "Embed every video for a release and build its index; nothing that is served changes.",
            """
            The vectors go into a table of the release's own, beside the one that is served. Ctrl-C keeps the vectors made so far: the
            same command goes on. With --activate the release is served afterwards; without it, 'twotower releases activate' does that.

            Examples:
              twotower embed --activate
              twotower embed --release v2-20260101T120000Z-0a1b2c3d
            """)
        { release, activate, CommonOptions.Database, CommonOptions.Wait };
        host.Handle(command, async session =>
        {
            var db = await session.OpenDatabaseAsync();
            var result = await EmbeddingStage.RunAsync(session, db, session.Parse.GetValue(release), session.Parse.GetValue(activate));
            var next = await EmbeddingStage.NextAsync(db, result.ModelVersion, session.Stop);
            session.Terminal.Result(
                new
                {
                    result.ModelVersion,
                    result.Embedded,
                    result.Videos,
                    result.Activated,
                    seconds =
                        result.Stages.ToDictionary(
                            stage => stage.Key.ToString().ToLowerInvariant(), stage => Math.Round(stage.Value.TotalSeconds, 3)),
                    result.Warnings,
                },
                () => session.Terminal.Say(
                    $"{result.ModelVersion}: {Amounts.Count(result.Videos)} videos have a vector, {Amounts.Count(result.Embedded)} of them new; {next}"));
        });
        return command;
    }
}
