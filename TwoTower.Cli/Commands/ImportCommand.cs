using System.CommandLine;
using TwoTower.Cli.Hosting;
using TwoTower.Cli.Stages;
using TwoTower.Core;
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
            (folder, say, options) => CsvTableReader.Read(folder, say, options)),
        Verb(
            host, "movielens", "Load MovieLens' own files: a rating of 4 and up is a like, 2.5 and down a nope.",
            """
            Takes the folder of ml-latest-small, ml-25m or ml-1m as GroupLens publishes it. MovieLens data is for research use, with
            acknowledgement: docs/data.md.

            Example:
              twotower import movielens path/to/ml-latest-small
            """,
            (folder, say, _) => MovieLensReader.Read(folder, say), takesBadRows: false),
    };

    private static Verb Verb(
        CommandHost host, string name, string summary, string more, Func<string, Action<string>, ImportOptions, TableSet> read, bool takesBadRows = true)
    {
        var folder = new Argument<string>("DIR") { Description = "The folder with the files." };
        var skip = NumberOption.Create("--skip-bad", "Leave out at most this many bad rows, and list them in the file import-bad-rows.txt.", 0, int.MaxValue, 0);
        var command = new Verb(name, summary, more) { folder, CommonOptions.Database };
        if (takesBadRows) command.Add(skip);
        host.Handle(command, async session =>
        {
            // Read before a database is touched: a folder that fails changes nothing.
            var options = new ImportOptions
            {
                SkipBad = takesBadRows ? session.Parse.GetValue(skip) ?? 0 : 0,
                LeftOut = rows => WriteBadRows(session, rows),
            };
            var tables = await Task.Run(() => read(session.Parse.GetValue(folder)!, session.Terminal.Warn, options), session.Stop);
            var db = await session.OpenDatabaseAsync();
            var written = await Loading.WriteAsync(session, db, tables);
            session.Terminal.Result(Loading.Counts(tables, written), () => session.Terminal.Say(Loading.Sentence(tables, written)));
        });
        return command;
    }

    private static void WriteBadRows(Session session, IReadOnlyList<string> rows)
    {
        var file = Path.GetFullPath("import-bad-rows.txt");
        try
        {
            File.WriteAllLines(file, rows);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{file} can't be written: {error.Message} Run the command in a folder that takes files.", error);
        }

        session.Terminal.Say($"bad rows: {file}");
    }
}
