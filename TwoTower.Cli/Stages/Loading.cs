using Npgsql;
using TwoTower.Cli.Hosting;
using TwoTower.Cli.Output;
using TwoTower.Core;
using TwoTower.Core.Formats;
using TwoTower.Core.Rows;
using TwoTower.Datasets.Import;
using TwoTower.Postgres.Connections;
using TwoTower.Postgres.Serving;
using TwoTower.Postgres.Tables;

namespace TwoTower.Cli.Stages;

/// <summary>Writes tables into the database, with progress; what import, generate and demo share.</summary>
internal static class Loading
{
    public static Task<WriteResult> WriteAsync(Session session, NpgsqlDataSource db, TableSet tables) =>
        WriteAsync(session, db, progress => new TableWriter(db).WriteAsync(tables, progress, session.Stop));

    /// <summary>The same for files, whose decisions are read while they are written.</summary>
    public static async Task<WriteResult> WriteAsync(Session session, NpgsqlDataSource db, ImportSet set)
    {
        try
        {
            return await WriteAsync(
                session, db, progress => new TableWriter(db).WriteAsync(set.Tables, set.Decisions(), set.Estimate, progress, session.Stop));
        }
        catch (InputException error) when (error.Row is { } row && set.PlaceOf(row.Table, row.Id) is { } place)
        {
            throw new InputException($"{place}: {error.Message}", error);
        }
    }

    private static async Task<WriteResult> WriteAsync(
        Session session, NpgsqlDataSource db, Func<IProgress<WriteProgress>, Task<WriteResult>> write)
    {
        session.Kept = "nothing of this load was kept, all of it is one transaction; run the same command again";
        var result = await session.Terminal.StageAsync("loading", "rows", progress => Task.Run(() => write(new Relay<WriteProgress>(progress, Stage))));
        session.Kept = "the rows are loaded; popularity is counted by the next load or by the API";
        await session.Terminal.StageAsync("counting popularity", "videos", async progress =>
        {
            await using var counting = Heartbeat.Start(new Relay<WriteProgress>(progress, Stage), new("video_statistics", 0, 0, "counting"));
            return await new VideoStatistics(db).RefreshAsync(session.Stop);
        });
        foreach (var note in result.Notes) session.Terminal.Warn(note);
        return result;
    }

    private static StageProgress Stage(WriteProgress step) =>
        new(step.Rows, step.Total > 0 ? step.Total : null, step.Step is { } what ? $"{step.Table}, {what}" : step.Table);

    /// <summary>Whether there is a user, a video or a decision.</summary>
    public static Task<bool> HoldsDataAsync(NpgsqlDataSource db, CancellationToken ct) =>
        db.Sql("select exists (select from profiles) or exists (select from videos) or exists (select from user_video_decisions)")
            .ScalarAsync<bool>(ct);

    public static object Counts(TableSet tables, WriteResult written) => new
    {
        profiles = tables.Profiles.Count,
        videos = tables.Videos.Count,
        decisions = written.Given,
        decisions_written = written.Decisions,
        likes = written.Likes,
        video_features = tables.Videos.Sum(video => video.VideoFeatures.Count),
    };

    public static string Sentence(TableSet tables, WriteResult written)
    {
        var vectors = tables.Videos.Sum(video => video.VideoFeatures.Count);
        return $"{Amounts.Count(tables.Profiles.Count)} users, {Amounts.Count(tables.Videos.Count)} videos, "
            + $"{Amounts.Count(written.Given)} decisions ({Amounts.Count(written.Likes)} likes)"
            + (written.Decisions != written.Given ? $", of which the table took {Amounts.Count(written.Decisions)}" : "")
            + (vectors > 0 ? $", {Amounts.Count(vectors)} vectors of videos" : "");
    }
}
