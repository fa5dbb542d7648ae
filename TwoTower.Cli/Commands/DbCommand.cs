using System.CommandLine;
using TwoTower.Cli.Hosting;
using TwoTower.LocalPostgres;
using TwoTower.ServiceDefaults.Commands;

namespace TwoTower.Cli.Commands;

/// <summary><c>twotower db start|stop</c>; the other verbs have files of their own.</summary>
internal static class DbCommand
{
    public static Command Create(CommandHost host) => new("db", "The database: start or stop a PostgreSQL of our own, migrate, look, export, print the schema.")
    {
        Start(host),
        Stop(host),
        DbMigrateCommand.Migrate(host),
        DbMigrateCommand.Status(host),
        DbScriptCommand.Create(host),
        DbExportCommand.Create(host),
    };

    private static Verb Start(CommandHost host)
    {
        var port = NumberOption.Create("--port", "Port of PostgreSQL on 127.0.0.1; a free one when left out.", 1, 65535);
        var command = new Verb(
            "start", "Find or set up a PostgreSQL with pgvector, leave it running and print how to connect.",
            """
            Tried in this order: a container, this machine's own PostgreSQL programs, and (Debian, Ubuntu) a private copy of the
            distribution's packages, which installs nothing. Listens on 127.0.0.1 only; its data lies in TWOTOWER_HOME.

            Examples:
              twotower db start
              twotower db start --port 5433
            """)
        { port };
        host.Handle(command, async session =>
        {
            session.Kept = "run 'twotower db start' again; what was downloaded is kept";
            var provided = await LocalPostgresServer.ProvideAsync(
                new LocalPostgresOptions { Home = StateHome.Path, Port = session.Parse.GetValue(port) }, session.Terminal.Say,
                session.Stop);
            session.Terminal.Result(
                new { provided.Origin, provided.Reused, server = provided.Server, pgvector = provided.PgVector, provided.ConnectionString },
                () =>
                {
                    session.Terminal.Say($"{(provided.Reused ? "already running" : "running")}: {provided.Origin}, pgvector {provided.PgVector}");
                    session.Terminal.Say(provided.ConnectionString);
                });
        });
        return command;
    }

    private static Verb Stop(CommandHost host)
    {
        var command = new Verb(
            "stop", "Stop the PostgreSQL of our own; its data stays.",
            """
            A server that was given by a connection string is never stopped.

            Example:
              twotower db stop
            """);
        host.Handle(command, async session =>
        {
            var stopped =
                await LocalPostgresServer.StopAsync(
                    new LocalPostgresOptions { Home = StateHome.Path }, session.Terminal.Detail, session.Stop);
            session.Terminal.Result(new { stopped }, () => session.Terminal.Say(stopped ? "stopped; the data stays" : "none was running"));
        });
        return command;
    }
}
