using TwoTower.Cli.Hosting;
using TwoTower.Postgres.Releases;

namespace TwoTower.Cli.Commands.Releases;

/// <summary><c>twotower releases retire VERSION</c>.</summary>
internal static class RetireVerb
{
    public static Verb Create(CommandHost host)
    {
        var (version, reason) = (ReleaseOptions.Version(), ReleaseOptions.Reason());
        var command = new Verb(
            "retire", "Drop a release's vectors for good; its files go with the next prune, its history stays.",
            """
            Refused for the active release, a pinned one, and one that is being embedded. Whoever is reading the vectors isn't made to wait:
            if they are still at it after several tries, the next prune drops the table.

            Example:
              twotower releases retire v2-20260101T120000Z-0a1b2c3d --reason 'lost to its successor'
            """)
        { version, reason, CommonOptions.Database };
        host.Handle(command, async session =>
        {
            var name = session.Parse.GetValue(version)!;
            session.Kept = "a release that is retired stays so; 'twotower releases prune' drops what is left of its vectors";
            var dropped = await new ReleaseRetention(await session.OpenDatabaseAsync(), session.Time)
                .RetireAsync(name, ReleaseOptions.Actor, session.Parse.GetValue(reason), session.Stop);
            session.Terminal.Result(new { model_version = name, vectors_dropped = dropped }, () => session.Terminal.Say(dropped
                ? $"{name} is retired and its vectors are dropped"
                : $"{name} is retired; somebody is still reading its vectors, 'twotower releases prune' drops them later"));
        });
        return command;
    }
}
