using TwoTower.Cli.Hosting;
using TwoTower.Postgres.Releases;

namespace TwoTower.Cli.Commands.Releases;

/// <summary><c>twotower releases pin|unpin VERSION</c>.</summary>
internal static class PinVerbs
{
    public static Verb Pin(CommandHost host)
    {
        var (version, reason) = (ReleaseOptions.Version(), ReleaseOptions.Reason());
        var command = new Verb(
            "pin", "Keep a release, whatever its age: it can't be retired or pruned until it is unpinned.",
            """
            Example:
              twotower releases pin v2-20260101T120000Z-0a1b2c3d --reason 'the report is about it'
            """)
        { version, reason, CommonOptions.Database };
        host.Handle(command, async session =>
        {
            var name = session.Parse.GetValue(version)!;
            await new ReleaseRetention(await session.OpenDatabaseAsync(), session.Time).PinAsync(
                name, ReleaseOptions.Actor, session.Parse.GetValue(reason), session.Stop);
            session.Terminal.Result(new { model_version = name, pinned = true }, () => session.Terminal.Say($"{name} is pinned"));
        });
        return command;
    }

    public static Verb Unpin(CommandHost host)
    {
        var version = ReleaseOptions.Version();
        var command = new Verb(
            "unpin", "Take a pin away.",
            """
            Example:
              twotower releases unpin v2-20260101T120000Z-0a1b2c3d
            """)
        { version, CommonOptions.Database };
        host.Handle(command, async session =>
        {
            var name = session.Parse.GetValue(version)!;
            var was = await new ReleaseRetention(await session.OpenDatabaseAsync(), session.Time).UnpinAsync(name, session.Stop);
            session.Terminal.Result(new { model_version = name, pinned = false }, () => session.Terminal.Say(was ? $"{name} is no longer pinned" : $"{name} wasn't pinned"));
        });
        return command;
    }
}
