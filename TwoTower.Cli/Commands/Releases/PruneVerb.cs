using System.CommandLine;
using TwoTower.Cli.Hosting;
using TwoTower.Core.Formats;
using TwoTower.Postgres.Releases;
using TwoTower.ServiceDefaults.Commands;

namespace TwoTower.Cli.Commands.Releases;

/// <summary><c>twotower releases prune</c>.</summary>
internal static class PruneVerb
{
    private const int DefaultKeep = 3;

    public static Verb Create(CommandHost host)
    {
        var keep = NumberOption.Create("--keep", "How many of the newest releases with vectors stay, the active one included.", 1, defaultValue: DefaultKeep);
        var dryRun = new Option<bool>("--dry-run") { Description = "Only say what would be retired." };
        var command = new Verb(
            "prune", "Retire the releases that are neither among the newest nor needed by anybody.",
            """
            The active release, the one that a rollback leads to, that of a running experiment, pinned ones ('twotower releases pin') and those
            that are being embedded stay. Of what is retired, vectors and files are freed; its row and its history stay.

            Examples:
              twotower releases prune --dry-run
              twotower releases prune --keep 5
            """)
        { keep, dryRun, CommonOptions.Database };
        host.Handle(command, async session =>
        {
            var pruning = await new ReleaseRetention(await session.OpenDatabaseAsync(), session.Time).PruneAsync(
                session.Parse.GetValue(keep) ?? DefaultKeep, ReleaseOptions.Actor, session.Parse.GetValue(dryRun), session.Stop);
            session.Terminal.Result(pruning, () =>
            {
                foreach (var kept in pruning.Kept) session.Terminal.Say($"kept     {kept.ModelVersion}: {kept.Why}");
                foreach (var retired in pruning.Retired) session.Terminal.Say($"{(session.Parse.GetValue(dryRun) ? "would go" : "retired ")} {retired}");
                foreach (var freed in pruning.Freed)
                {
                    session.Terminal.Say(
                        $"{(session.Parse.GetValue(dryRun) ? "would free" : "freed   ")} {freed.ModelVersion}: "
                            + $"{Amounts.Bytes(freed.VectorBytes)} of vectors, {Amounts.Bytes(freed.FileBytes)} of files");
                }

                foreach (var version in pruning.Undropped) session.Terminal.Warn($"somebody is still reading the vectors of {version}: the next prune drops them");
            });
        });
        return command;
    }
}
