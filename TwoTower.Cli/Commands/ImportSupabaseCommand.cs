using System.CommandLine;
using TwoTower.Cli.Hosting;
using TwoTower.Cli.Output;
using TwoTower.Cli.Stages;
using TwoTower.Core;
using TwoTower.Core.Formats;
using TwoTower.Datasets.Import;
using TwoTower.ServiceDefaults.Commands;
using TwoTower.Supabase.Import;

namespace TwoTower.Cli.Commands;

/// <summary><c>twotower import supabase</c>: a project's rows over PostgREST.</summary>
internal static class ImportSupabaseCommand
{
    public static Verb Create(CommandHost host)
    {
        var since = SinceOption.Create("--since", "Read the decisions from this time on; left out: from where the last import was. The next import reads earlier ones that it left out.", host.Time);
        var full = new Option<bool>("--full") { Description = "Read all decisions, also those that an earlier import has read." };
        var page = NumberOption.Create("--page", "Rows to ask for at once; a project gives 1000 at most unless its settings say more.", 1, 100_000, 1000);
        var command = new Verb(
            "supabase", "Load the tables of a Supabase project over its REST interface.",
            """
            Reads profiles and videos whole, with tags and performers in either shape, and the decisions that came since the last import
            (with an hour's overlap). Rows that are there already are updated; rows that the project deleted stay. Everything is checked before
            anything is written, as for files. Ctrl-C and a kill keep the pages that were read: the same command goes on.

            The key is read from SUPABASE_SECRET_KEY, SUPABASE_SERVICE_ROLE_KEY or --key-file, the address from SUPABASE_URL or --url.

            Examples:
              twotower import supabase
              twotower import supabase --full --key-file ~/.supabase-key
            """)
        { SupabaseOptions.Url, SupabaseOptions.KeyFile, since, full, page, ImportCommand.SkipBad, CommonOptions.Database,
            CommonOptions.Wait };
        host.Handle(command, session => RunAsync(
            session, session.Parse.GetValue(since), SinceOption.AgoOf(session.Parse, since), session.Parse.GetValue(full),
                session.Parse.GetValue(page) ?? 1000,
                session.Parse.GetValue(ImportCommand.SkipBad) ?? 0));
        return command;
    }

    private static async Task RunAsync(Session session, DateTimeOffset? since, TimeSpan? ago, bool full, int pageRows, int skipBad)
    {
        if (since is not null && full) throw new InputException("--since and --full can't be together: leave one.");
        var from = since;
        using var client = SupabaseOptions.Connect(session);
        var db = await session.OpenDatabaseAsync();
        var marks = new ImportMarks(db);
        var mark = await marks.ReadAsync(client.Project.Name, session.Stop);
        if (from is null && !full && mark is { } last) from = last - ImportSince.Overlap;

        using var spool = RowSpool.Open(StateHome.Path, client.Project.Name, from is { } begin ? InstantText.Format(begin)
            : null, ago, session.Time.GetUtcNow());

        // One that goes on has the time of its beginning, also where the option says how long ago.
        from = spool.State.Since is { } text && InstantText.TryParse(text, out var begun) ? begun : null;
        session.Kept = "the pages read so far are kept and the database hasn't changed; run the same command to go on";
        if (spool.IsResumed) session.Terminal.Say($"going on with the import that began at {spool.State.StartedAt.UtcDateTime:yyyy-MM-dd HH:mm} UTC");
        await session.Terminal.StageAsync("reading", "rows", progress => new RestDownload(client, session.Time, session.Terminal.Warn).RunAsync(
            spool, pageRows, new Relay<DownloadProgress>(progress, step => new(step.Rows, step.Total, step.Table)), session.Stop));

        var options = new ImportOptions
        {
            SkipBad = skipBad,
            LeftOut = rows => ImportCommand.WriteBadRows(session, rows),
            Time = session.Time
        };
        try
        {
            using var set = await Task.Run(() =>
                ImportReader.Open(spool.Folder, ImportFormat.Tables, null, session.Terminal.Warn, options), session.Stop);
            var written = await Loading.WriteAsync(session, db, set);
            var tables = set.Tables();
            // A mark promises that all before it was read, and an hour before it may still come: one that would leave that out stays.
            var isWhole = from is null || from <= mark - ImportSince.Overlap;
            if (isWhole) await marks.WriteAsync(client.Project.Name, Later(spool.State.Until, mark), session.Stop);
            spool.Delete();
            if (!isWhole) session.Terminal.Say($"the next import without --since reads {(mark is { } at
                ? $"the decisions since {(at - ImportSince.Overlap).UtcDateTime:yyyy-MM-dd HH:mm} UTC" : "all decisions")}: this one left out earlier ones");
            session.Terminal.Result(
                new { source = client.Project.Name, since = from, counts = Loading.Counts(tables, written) },
                () => session.Terminal.Say(Loading.Sentence(tables, written) + (from is { } start ? $", decisions since {start.UtcDateTime:yyyy-MM-dd HH:mm} UTC" : "")));
        }
        catch (InputException)
        {
            // The rows may be mended in the project: the next import reads them again.
            spool.Save(spool.State with { HasFailed = true });
            throw;
        }
    }

    private static DateTimeOffset? Later(DateTimeOffset? until, DateTimeOffset? mark) =>
        mark is { } before && (until is not { } now || now < before) ? before : until;
}
