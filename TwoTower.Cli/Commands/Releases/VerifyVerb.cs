using TwoTower.Cli.Hosting;
using TwoTower.Cli.Stages;
using TwoTower.Postgres.Gate;
using TwoTower.Postgres.Releases;
using TwoTower.ServiceDefaults.Commands;

namespace TwoTower.Cli.Commands.Releases;

/// <summary><c>twotower releases verify VERSION</c>: the gate, by hand.</summary>
internal static class VerifyVerb
{
    public static Verb Create(CommandHost host)
    {
        var version = ReleaseOptions.Version();
        var command = new Verb(
            "verify", "Run the gate over a release that has its vectors, and say what it finds; nothing is moved.",
            """
            The same checks that a release passes before it is ready (docs/releases.md): files, weights, networks, probes, vectors, quality
            beside the live release's. The run is recorded. Exit code 1: it doesn't pass, and the last line says why.
            Thresholds: TwoTower__Gate__Margin, TwoTower__Gate__MinUsers … in the environment.

            Example:
              twotower releases verify v2-20260101T120000Z-0a1b2c3d
            """)
        { version, CommonOptions.Database };
        host.Handle(command, async session =>
        {
            var options = GateSettings.Read();
            var db = await session.OpenDatabaseAsync();
            var release = await new ReleaseStore(db).GetAsync(session.Parse.GetValue(version)!, session.Stop);
            var report = await new ReleaseGate(db, options).RunAsync(release, null, ReleaseOptions.Actor, session.Stop);
            session.Terminal.Result(report, () =>
            {
                foreach (var check in report.Checks) session.Terminal.Say($"{(check.Passed ? "ok    " : "failed")}  {check.Name}: {check.Detail}");
                session.Terminal.Say(report.Passed ? $"{report.ModelVersion} passes the gate" : $"{report.ModelVersion} does not pass the gate: {report.Reason}");
            });
            return report.Passed ? ExitCodes.Success : ExitCodes.Failure;
        });
        return command;
    }
}
