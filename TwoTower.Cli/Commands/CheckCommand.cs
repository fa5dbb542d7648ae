using System.CommandLine;
using TwoTower.Cli.Hosting;
using TwoTower.Core;
using TwoTower.Core.Formats;
using TwoTower.Datasets.Import;

namespace TwoTower.Cli.Commands;

/// <summary><c>twotower check DIR</c>: what files hold, and what an import would leave out; needs no database.</summary>
internal static class CheckCommand
{
    public static Command Create(CommandHost host)
    {
        var folder = new Argument<string>("DIR") { Description = "The folder with the files, or a zip archive of it." };
        var command = new Verb(
            "check", "Read files as an import would, and tell what they hold; writes nothing, needs no database.",
            """
            Counts, ranges, what is odd and what would be left out, for every layout that 'twotower import' reads. Exit code 2 when an import
            would be refused: the first ten bad rows are told by file, line, column and value. Tags and
            performers that are too long for a key count as refused.

            Examples:
              twotower check path/to/tables
              twotower check --map map.json path/to/folder
              twotower check path/to/ml-1m.zip --json
            """)
        { folder, ImportCommand.Map };
        host.Handle(command, async session =>
        {
            var (parse, terminal) = (session.Parse, session.Terminal);
            var notes = new List<string>();
            var options = new ImportOptions { SkipBad = int.MaxValue, Time = session.Time };
            var (path, map) = (parse.GetValue(folder)!, parse.GetValue(ImportCommand.Map));
            var (report, format) = await Task.Run(
                () =>
                {
                    using var set = ImportReader.Open(path, null, map, notes.Add, options);
                    return (DataReport.Of(set), set.Format);
                }, session.Stop);
            terminal.Result(new { layout = map ?? format?.ToString(), report, notes }, () =>
                Show(session, report, notes));
            if (report.BadRows > 0)
            {
                throw new InputException(
                    $"{Amounts.Count(report.BadRows)} bad {(report.BadRows == 1 ? "row" : "rows")} would make an import fail: mend them, or import with --skip-bad {report.BadRows}");
            }

            if (report.LongNames > 0)
            {
                throw new InputException(
                    $"{Amounts.Count(report.LongNames)} {(report.LongNames == 1 ? "name of a tag or performer is" : "names of tags and performers are")} longer than "
                    + $"{Amounts.Count(DataReport.KeyBytes)} bytes, more than a key of PostgreSQL holds unless it compresses well, so that an import would fail "
                    + $"(the first: {report.FirstLongName}). Shorten {(report.LongNames == 1 ? "it" : "them")}.");
            }
        });
        return command;
    }

    private static void Show(Session session, DataReport report, IEnumerable<string> notes)
    {
        void Say(string line) => session.Terminal.Say(line);
        Say($"profiles: {Amounts.Count(report.Profiles)}; {Amounts.Count(report.Users)} users decided anything");
        Say($"videos: {Amounts.Count(report.Videos)}; decisions are about {Amounts.Count(report.DecidedVideos)}");
        var (likes, nopes) = (report.Likes, report.Decisions - report.Likes);
        Say($"decisions: {Amounts.Count(report.Decisions)} ({Amounts.Count(likes)} likes, {Amounts.Count(nopes)} nopes)"
            + (report.First is { } first && report.Last is { } last ? $", from {first:yyyy-MM-dd} to {last:yyyy-MM-dd}" : ""));
        foreach (var column in report.Columns.Where(column => column.Known > 0))
        {
            Say($"videos, {column.Name}: {Amounts.Count(column.Known)} of {Amounts.Count(report.Videos)}"
                + (column.Least is null ? "" : $", from {column.Least} to {column.Greatest}"));
        }

        if (report.Repeated > 0) Say($"would be left out: {Amounts.Count(report.Repeated)} decisions that repeat another one");
        foreach (var note in notes) session.Terminal.Warn(note);
        foreach (var row in report.FirstBadRows) Say($"bad row: {row}");
    }
}
