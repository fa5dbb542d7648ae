using System.CommandLine;
using Spectre.Console;
using TwoTower.Cli.Doctor;
using TwoTower.Cli.Hosting;
using TwoTower.ServiceDefaults.Commands;

namespace TwoTower.Cli.Commands;

/// <summary><c>twotower doctor</c>: everything that twotower needs, looked at one by one.</summary>
internal static class DoctorCommand
{
    public static Command Create(CommandHost host)
    {
        var command = new Verb(
            "doctor", "Look at everything that twotower needs, and say what helps where something is missing.",
            """
            Looked at: runtime and SDK, native libraries, each source of a PostgreSQL in the order in which they are tried, the database
            in use and its pgvector, disk space, the port, Aspire's packages. Changes nothing. Exit code 1 when something fails.

            Examples:
              twotower doctor
              twotower doctor --json
            """)
        { CommonOptions.Database, ServeOptions.Port };
        host.Handle(command, async session =>
        {
            var (parse, ct) = (session.Parse, session.Stop);
            var options =
                DatabaseChoice.From(parse, Environment.GetEnvironmentVariable).ToOptions(StateHome.Path, DatabaseChoice.DefaultName);
            Check[] checks =
            [
                MachineChecks.Runtime(),
                await MachineChecks.SdkAsync(ct),
                MachineChecks.Torch(),
                MachineChecks.OnnxRuntime(),
                .. await DatabaseChecks.SourcesAsync(options, ct),
                .. await DatabaseChecks.InUseAsync(options, ct),
                .. MachineChecks.Disks(),
                MachineChecks.Port(parse.GetValue(ServeOptions.Port) ?? ServeOptions.DefaultPort),
                MachineChecks.Aspire(),
            ];
            var failed = checks.Any(check => check.State == CheckState.Fail);
            session.Terminal.Result(new { ok = !failed, checks }, () => session.Terminal.Show(Table(checks)));
            return failed ? ExitCodes.Failure : ExitCodes.Success;
        });
        return command;
    }

    private static Grid Table(IEnumerable<Check> checks)
    {
        var grid = new Grid().AddColumn(new GridColumn().NoWrap()).AddColumn().AddColumn();
        foreach (var check in checks)
        {
            var state = check.State switch
            {
                CheckState.Ok => new Text("ok", new Style(Color.Green)),
                CheckState.Warn => new Text("warn", new Style(Color.Yellow)),
                _ => new Text("fail", new Style(Color.Red)),
            };
            grid.AddRow(state, new Text(check.Name), new Text(check.Remedy is null ? check.Detail : $"{check.Detail} → {check.Remedy}"));
        }

        return grid;
    }
}
