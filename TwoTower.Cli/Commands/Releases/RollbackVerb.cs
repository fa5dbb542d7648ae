using TwoTower.Cli.Hosting;
using TwoTower.Postgres.Releases;

namespace TwoTower.Cli.Commands.Releases;

/// <summary><c>twotower releases rollback</c>.</summary>
internal static class RollbackVerb
{
    public static Verb Create(CommandHost host)
    {
        var reason = ReleaseOptions.Reason();
        var command = new Verb(
            "rollback", "Serve the release again that was active before and still has its vectors.",
            """
            The release that is left goes to ready and keeps its vectors. A second rollback goes further back, not to what was left.

            Example:
              twotower releases rollback --reason 'too many empty answers'
            """)
        { reason, CommonOptions.Database };
        host.Handle(command, async session =>
        {
            var store = new ReleaseStore(await session.OpenDatabaseAsync());
            var (now, before) = await store.RollbackAsync(ReleaseOptions.Actor, session.Parse.GetValue(reason), session.Stop);
            session.Terminal.Result(new { model_version = now, previous = before }, () => session.Terminal.Say($"{now} is active again; {before} is ready"));
        });
        return command;
    }
}
