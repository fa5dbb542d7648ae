using System.CommandLine;
using TwoTower.Cli.Hosting;
using TwoTower.Cli.Output;
using TwoTower.Core.Formats;
using TwoTower.Postgres.Tables;

namespace TwoTower.Cli.Commands;

/// <summary><c>twotower db export DIR</c>: the tables as CSV files.</summary>
internal static class DbExportCommand
{
    public static Verb Create(CommandHost host)
    {
        var folder = new Argument<string>("DIR") { Description = "Where the files go: a folder that isn't there yet, or is empty." };
        var command = new Verb(
            "export", "Write the tables as a folder with one CSV per table, as 'twotower import csv' reads it.",
            """
            All of it as of one moment, nothing of our own schema but vectors of videos (video_features.csv), where there are any. The folder
            is there as a whole or not at all. docs/data.md lists the columns.

            Example:
              twotower db export out/tables
            """)
        { folder, CommonOptions.Database };
        host.Handle(command, async session =>
        {
            var db = await session.OpenDatabaseAsync();
            var directory = session.Parse.GetValue(folder)!;
            session.Kept = "nothing was written; run the same command again";
            var files = await session.Terminal.StageAsync("exporting", "bytes", progress =>
                TableExport.WriteAsync(
                    db, directory, new Relay<WriteProgress>(progress, p => new(p.Rows, null, p.Table)), session.Stop,
                    session.Terminal.Warn));
            session.Terminal.Result(
                new { folder = Path.GetFullPath(directory), files = files.Select(file => new { path = file.File, size = file.Bytes }) },
                () => session.Terminal.Say($"{directory}: {string.Join(", ", files.Select(file => $"{file.File} ({Amounts.Bytes(file.Bytes)})"))}"));
        });
        return command;
    }
}
