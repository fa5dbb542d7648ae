using System.CommandLine;
using Spectre.Console;
using TwoTower.Core.Releases;

namespace TwoTower.Cli.Commands;

/// <summary><c>twotower releases list|activate</c>.</summary>
internal static class ReleasesCommand
{
    public static Command Create(CommandHost host) => new("releases", "The models that were trained or imported, and which of them is served.")
    {
        List(host),
        Activate(host),
    };

    private static Verb List(CommandHost host)
    {
        var command = new Verb(
            "list", "List the releases, newest first.",
            """
            Example:
              twotower releases list --json
            """)
        { CommonOptions.Database };
        host.Handle(command, async session =>
        {
            var releases = await new ReleaseStore(await session.OpenDatabaseAsync()).ListAsync(session.Stop);
            session.Terminal.Result(releases.Select(Row), () =>
            {
                if (releases.Count == 0)
                {
                    session.Terminal.Say("no releases yet: 'twotower train' makes one");
                    return;
                }

                var table = new Table().Border(TableBorder.Simple).AddColumns("release", "state", "since", "dimension", "made by");
                foreach (var release in releases)
                {
                    table.AddRow(
                        new Text(release.ModelVersion), new Text(release.State.ToString().ToLowerInvariant()), new Text($"{release.StateAt.UtcDateTime:yyyy-MM-dd HH:mm}Z"),
                        new Text($"{release.EmbeddingDim}"), new Text(release.Imported ? "import" : $"recipe {release.Recipe}"));
                }

                session.Terminal.Show(table);
            });
        });
        return command;
    }

    private static Verb Activate(CommandHost host)
    {
        var version = new Argument<string>("VERSION") { Description = "The release's model_version, as 'twotower releases list' shows it." };
        var reason = new Option<string>("--reason") { Description = "Kept in the history.", HelpName = "TEXT", DefaultValueFactory = _ => "by hand" };
        var command = new Verb(
            "activate", "Serve another release from now on; it must be ready (embedded).",
            """
            One short transaction: a request is answered from the old release or from the new one, never from both. Going back is the
            same command with the old version.

            Example:
              twotower releases activate v2-20260101T120000Z-0a1b2c3d --reason 'better on the test viewers'
            """)
        { version, reason, CommonOptions.Database };
        host.Handle(command, async session =>
        {
            var name = session.Parse.GetValue(version)!;
            var store = new ReleaseStore(await session.OpenDatabaseAsync());
            var activation = await store.ActivateAsync(name, Actor, session.Parse.GetValue(reason), session.Stop);
            session.Terminal.Result(
                new { model_version = name, activation.Changed, activation.Previous },
                () => session.Terminal.Say(activation switch
                {
                    { Changed: false } => $"{name} was active already",
                    { Previous: { } previous } => $"{name} is active; before it was {previous}",
                    _ => $"{name} is active; it is the first",
                }));
        });
        return command;
    }

    /// <summary>Who does what this process does, for the history of releases.</summary>
    public static string Actor => $"twotower ({Environment.UserName})";

    private static object Row(Release release) => new
    {
        release.ModelVersion,
        state = release.State.ToString().ToLowerInvariant(),
        release.StateReason,
        release.StateAt,
        release.Imported,
        release.Recipe,
        release.EmbeddingDim,
        vector_type = release.VectorType.ToString().ToLowerInvariant(),
        release.CreatedAt,
    };
}
