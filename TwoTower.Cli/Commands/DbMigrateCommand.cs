using System.CommandLine;
using TwoTower.Cli.Hosting;
using TwoTower.Cli.Output;
using TwoTower.Postgres.Connections;
using TwoTower.Postgres.Schema;

namespace TwoTower.Cli.Commands;

/// <summary><c>twotower db migrate|status</c>.</summary>
internal static class DbMigrateCommand
{
    public static Command Migrate(CommandHost host)
    {
        var command = new Verb(
            "migrate", "Bring the database's tables and functions up to date; safe to run again and on tables that are already there.",
            """
            Creates what is absent of the public tables (docs/data.md), the schema two_tower and the SQL functions. Tables and functions
            of others are never altered; a function of theirs with one of our names is kept and reported. All of it is one transaction: what
            can't be used is named, and then nothing is changed.

            Examples:
              twotower db migrate
              TWOTOWER_DATABASE='Host=db;Database=app;Username=me;Password=…' twotower db migrate
            """)
        { CommonOptions.Database, CommonOptions.Wait };
        host.Handle(command, async session =>
        {
            var db = session.Open(await session.ProvideAsync());
            session.Kept = "nothing was changed, all of it is one transaction; run 'twotower db migrate' again";
            var report = await Migrator.MigrateAsync(db, session.Terminal.Say, session.Stop);
            session.Terminal.Result(report, () =>
            {
                foreach (var warning in report.Warnings) session.Terminal.Warn(warning);
                session.Terminal.Say("the database is up to date");
            });
        });
        return command;
    }

    public static Command Status(CommandHost host)
    {
        var command = new Verb(
            "status", "Show the database's version, extension and migrations; changes nothing.",
            """
            Exit code 0 also when migrations are missing: the JSON says so.

            Example:
              twotower db status --json
            """)
        { CommonOptions.Database };
        host.Handle(command, async session =>
        {
            var db = session.Open(await session.ProvideAsync());
            var status = await Migrator.StatusAsync(db, session.Stop);
            session.Terminal.Result(status, () => Show(session.Terminal, status));
        });
        return command;
    }

    private static void Show(Terminal terminal, MigrationStatus status)
    {
        var server = status.Server;
        terminal.Say($"PostgreSQL {server.Version}, database {server.Database}, pgvector {Vector(server)}");
        terminal.Say($"migrations: {status.Applied.Count} applied, {List(status.Pending, "missing")}");
        terminal.Say($"functions: {List([.. status.MissingFunctions, .. status.OutdatedFunctions], "absent or outdated")}");
        if (status.ForeignFunctions.Count > 0)
        {
            terminal.Say($"not ours and left alone: {string.Join(", ", status.ForeignFunctions)}");
        }

        terminal.Say(status.IsCurrent ? "up to date" : "run 'twotower db migrate'");
    }

    private static string Vector(ServerInfo server) => (server.VectorVersion, server.AvailableVectorVersion) switch
    {
        ({ } installed, _) => $"{installed}",
        (null, { } available) => $"not installed yet ({available} is available)",
        _ => "not available",
    };

    private static string List(IReadOnlyList<string> names, string what) =>
        names.Count == 0 ? $"none {what}" : $"{names.Count} {what}: {string.Join(", ", names)}";
}
