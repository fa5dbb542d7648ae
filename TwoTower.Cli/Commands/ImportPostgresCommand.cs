using System.CommandLine;
using TwoTower.Cli.Hosting;
using TwoTower.Cli.Output;
using TwoTower.Core;
using TwoTower.Datasets.Import;
using TwoTower.Postgres.Connections;
using TwoTower.Postgres.Tables;

namespace TwoTower.Cli.Commands;

/// <summary><c>twotower import postgres</c>: the tables of another database, with keys of any type.</summary>
internal static class ImportPostgresCommand
{
    private static readonly Option<string?> Source = new("--source")
    {
        Description = "Connection string of the database to read, or a file that holds one. Without it: TWOTOWER_SOURCE. Keep passwords out of the command line.",
        HelpName = "STRING|FILE",
    };

    public static Command Create(CommandHost host)
    {
        var command = new Verb(
            "postgres", "Load the tables of another database, whose keys may be whole numbers, texts or uuids.",
            """
            Reads profiles, videos, video_tags, video_performers and user_video_decisions of schema public as of one moment, and changes nothing
            there. Names of columns match whatever their case; columns that aren't read are told. A view two_tower.NAME in that database is
            read in place of public.NAME, so that tables of other names and columns are read, too: 'twotower doctor --database' of that
            database prints which views it lacks. Importing again updates what is there.

            Example:
              TWOTOWER_SOURCE='Host=db;Database=shop;Username=reader' twotower import postgres
            """)
        { Source, CommonOptions.Database, ImportCommand.SkipBad };
        host.Handle(command, async session =>
        {
            var choice = DatabaseChoice.Source(session.Parse, Source, Environment.GetEnvironmentVariable);
            choice.Tell(session.Terminal.Warn);
            await using var source = DataSources.Create(choice.ConnectionString ?? throw new InputException(
                "no database to read is named: give --source STRING|FILE, or set TWOTOWER_SOURCE"));
            var folder = Directory.CreateTempSubdirectory("twotower-source-").FullName;
            try
            {
                await session.Terminal.StageAsync("reading the source", "bytes", progress => SourceExport.WriteAsync(
                    source, folder, new Relay<WriteProgress>(progress, step => new(step.Rows, null, step.Table)), session.Stop,
                    session.Terminal.Warn));
                await ImportCommand.LoadAsync(session, folder, ImportFormat.Tables, null);
            }
            finally
            {
                Directory.Delete(folder, recursive: true);
            }
        });
        return command;
    }
}
