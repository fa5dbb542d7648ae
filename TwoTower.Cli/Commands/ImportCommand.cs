using System.CommandLine;
using TwoTower.Cli.Hosting;
using TwoTower.Cli.Stages;
using TwoTower.Core;
using TwoTower.Core.Formats;
using TwoTower.Datasets.Import;
using TwoTower.ServiceDefaults.Commands;

namespace TwoTower.Cli.Commands;

/// <summary><c>twotower import DIR</c>, and <c>import csv|movielens|recbole DIR</c>, <c>import postgres</c>, <c>import
/// supabase</c>.</summary>
internal static class ImportCommand
{
    /// <summary>A file that says what is what in somebody's files.</summary>
    public static readonly Option<string?> Map = new("--map")
    {
        Description = "A JSON file that says which file and column is what, and which rows are likes and nopes (docs/data.md).",
        HelpName = "FILE",
    };

    /// <summary>How many bad rows may be left out.</summary>
    public static readonly Option<int?> SkipBad = NumberOption.Create(
        "--skip-bad", "Leave out at most this many bad rows, and list them, the first 100,000, in the file import-bad-rows.txt.", 0, int.MaxValue, 0);

    public static Command Create(CommandHost host)
    {
        var command = Verb(
            host, "import", "Load data from files into the database, of any layout that is known, or as a map says.",
            """
            The layout is found out: one file a table, MovieLens, or RecBole; a verb of its own for each takes that one only. Any other
            files are read as --map says. DIR may be a zip archive. 'twotower check DIR' reads the same and writes nothing.

            Examples:
              twotower import path/to/tables
              twotower import path/to/ml-1m.zip
              twotower import --map map.json path/to/folder
            """, null);
        command.Add(Verb(
            host, "csv", "Load a folder with one file per table: profiles, videos, video_tags, video_performers, user_video_decisions.",
            """
            Files may be .csv, .tsv, .jsonl (each also .gz) or .parquet. Everything is read and checked: a wrong value is named by file, line
            and column, and then nothing is imported. Rows that are there already are updated, so importing twice is the same as once. A file
            video_features.csv brings vectors of the videos from elsewhere. docs/data.md lists the columns.

            Example:
              twotower import csv path/to/tables
            """, ImportFormat.Tables));
        command.Add(Verb(
            host, "movielens", "Load MovieLens' own files: a rating of 4 and up is a like, 2.5 and down a nope.",
            """
            Takes the folder of ml-latest-small, ml-25m, ml-1m or ml-100k as GroupLens publishes it. MovieLens data is for research use, with
            acknowledgement: docs/data.md.

            Example:
              twotower import movielens path/to/ml-latest-small
            """, ImportFormat.MovieLens));
        command.Add(Verb(
            host, "recbole", "Load RecBole's atomic files: .inter, .item and .user.",
            """
            A rating of 4 and up is a like, 2.5 and down a nope; without ratings everything is a like. Other rules need --map (docs/data.md).

            Example:
              twotower import recbole path/to/dataset
            """, ImportFormat.RecBole));
        command.Add(ImportPostgresCommand.Create(host));
        command.Add(ImportSupabaseCommand.Create(host));
        return command;
    }

    private static Verb Verb(CommandHost host, string name, string summary, string more, ImportFormat? format)
    {
        // A group may be without it: then its help is shown.
        var folder = new Argument<string?>("DIR")
        {
            Description = format is null ? "The folder with the files, or a zip archive of it; with --map also the file of the interactions." : "The folder with the files, or a zip archive of it.",
            Arity = format is null ? ArgumentArity.ZeroOrOne : ArgumentArity.ExactlyOne,
        };
        var command = new Verb(name, summary, more) { folder, CommonOptions.Database, SkipBad };
        if (format is null) command.Add(Map);
        host.Handle(command, session =>
            LoadAsync(session, session.Parse.GetValue(folder)!, format, format is null ? session.Parse.GetValue(Map) : null));
        return command;
    }

    /// <summary>Reads files and writes them into the database.</summary>
    public static async Task LoadAsync(Session session, string path, ImportFormat? format, string? map)
    {
        var options =
            new ImportOptions
            {
                SkipBad = session.Parse.GetValue(SkipBad) ?? 0,
                LeftOut = rows =>
                WriteBadRows(session, rows),
                Time = session.Time
            };

        // All but the decisions is read before a database is touched: a folder that fails there changes nothing.
        using var set =
            await Task.Run(
                () => ImportReader.Open(path, format, map, session.Terminal.Warn, options), session.Stop);
        var db = await session.OpenDatabaseAsync();
        var written = await Loading.WriteAsync(session, db, set);
        var tables = set.Tables();
        session.Terminal.Result(Loading.Counts(tables, written), () => session.Terminal.Say(Loading.Sentence(tables, written)));
    }

    /// <summary>Lists the rows that were left out in a file.</summary>
    public static void WriteBadRows(Session session, IReadOnlyList<string> rows)
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

        session.Terminal.Say($"bad rows: {file}{(rows.Count == RowFaults.Listed ? $" (the first {Amounts.Count(rows.Count)})" : "")}");
    }
}
