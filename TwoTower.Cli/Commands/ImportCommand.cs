using System.CommandLine;
using TwoTower.Cli.Hosting;
using TwoTower.Cli.Stages;
using TwoTower.Core.Rows;
using TwoTower.Datasets.Import;

namespace TwoTower.Cli.Commands;

/// <summary><c>twotower import csv|movielens DIR</c>.</summary>
internal static class ImportCommand
{
    public static Command Create(CommandHost host) => new("import", "Load data from files into the database.")
    {
        Verb(
            host, "csv", "Load a folder with one CSV per table: profiles, videos, video_tags, video_performers, user_video_decisions.",
            """
            Files may be gzipped (.csv.gz). Everything is read and checked first: a wrong value is named by file, line and column, and
            then nothing is imported. Rows that are there already are updated, so importing twice is the same as once. A file
            video_features.csv brings vectors of the videos from elsewhere. docs/data.md lists the columns.

            Example:
              twotower import csv path/to/tables
            """,
            CsvTableReader.Read),
        Verb(
            host, "movielens", "Load MovieLens' own files: a rating of 4 and up is a like, 2.5 and down a nope.",
            """
            Takes the folder of ml-latest-small, ml-25m or ml-1m as GroupLens publishes it. MovieLens data is for research use, with
            acknowledgement: docs/data.md.

            Example:
              twotower import movielens path/to/ml-latest-small
            """,
            MovieLensReader.Read),
    };

    private static Verb Verb(CommandHost host, string name, string summary, string more, Func<string, Action<string>, TableSet> read)
    {
        var folder = new Argument<string>("DIR") { Description = "The folder with the files." };
        var command = new Verb(name, summary, more) { folder, CommonOptions.Database };
        host.Handle(command, async session =>
        {
            // Read before a database is touched: a folder that fails changes nothing.
            var tables = await Task.Run(() => read(session.Parse.GetValue(folder)!, session.Terminal.Detail), session.Stop);
            var db = await session.OpenDatabaseAsync();
            await Loading.WriteAsync(session, db, tables);
            session.Terminal.Result(Loading.Counts(tables), () => session.Terminal.Say(Loading.Sentence(tables)));
        });
        return command;
    }
}
