using Spectre.Console;
using TwoTower.Cli.Hosting;
using TwoTower.Postgres.Releases;

namespace TwoTower.Cli.Commands.Releases;

/// <summary><c>twotower releases list</c>.</summary>
internal static class ListVerb
{
    public static Verb Create(CommandHost host)
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
            session.Terminal.Result(releases.Select(ReleaseTable.Row), () =>
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
                        new Text(release.ModelVersion), new Text(ReleaseTable.Name(release.State)), new Text($"{release.StateAt.UtcDateTime:yyyy-MM-dd HH:mm}Z"),
                        new Text($"{release.EmbeddingDim}"), new Text(release.Imported ? "import" : $"recipe {release.Recipe}"));
                }

                session.Terminal.Show(table);
            });
        });
        return command;
    }
}
