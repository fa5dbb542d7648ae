using TwoTower.Cli.Hosting;
using TwoTower.Postgres.Releases;

namespace TwoTower.Cli.Commands.Releases;

/// <summary><c>twotower releases activate VERSION</c>.</summary>
internal static class ActivateVerb
{
    public static Verb Create(CommandHost host)
    {
        var (version, reason) = (ReleaseOptions.Version(), ReleaseOptions.Reason());
        var command = new Verb(
            "activate", "Serve another release from now on; it must be ready (embedded, and passed by the gate).",
            """
            One short transaction: a request is answered from the old release or from the new one, never from both. 'twotower releases
            rollback' goes back.

            Example:
              twotower releases activate v2-20260101T120000Z-0a1b2c3d --reason 'better on the test users'
            """)
        { version, reason, CommonOptions.Database };
        host.Handle(command, async session =>
        {
            var name = session.Parse.GetValue(version)!;
            var store = new ReleaseStore(await session.OpenDatabaseAsync());
            var activation = await store.ActivateAsync(name, ReleaseOptions.Actor, session.Parse.GetValue(reason), session.Stop);
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
}
