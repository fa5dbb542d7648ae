using Npgsql;
using TwoTower.Cli.Hosting;
using TwoTower.Cli.Output;
using TwoTower.Core.Formats;
using TwoTower.Core.Rows;
using TwoTower.Postgres.Connections;
using TwoTower.Postgres.Serving;
using TwoTower.Postgres.Tables;

namespace TwoTower.Cli.Stages;

/// <summary>Writes tables into the database, with progress; what import, generate and demo share.</summary>
internal static class Loading
{
    public static async Task<WriteResult> WriteAsync(Session session, NpgsqlDataSource db, TableSet tables)
    {
        session.Kept = "nothing of this load was kept, all of it is one transaction; run the same command again";
        var result = await session.Terminal.StageAsync("loading", "rows", progress =>
            new TableWriter(db).WriteAsync(tables, new Relay<WriteProgress>(progress, p => new(p.Rows, p.Total, p.Table)), session.Stop));
        session.Kept = "the rows are loaded; popularity is counted by the next load or by the API";
        await new VideoStatistics(db).RefreshAsync(session.Stop);
        foreach (var note in result.Notes) session.Terminal.Warn(note);
        return result;
    }

    /// <summary>Whether there is a user, a video or a decision.</summary>
    public static Task<bool> HoldsDataAsync(NpgsqlDataSource db, CancellationToken ct) =>
        db.Sql("select exists (select from profiles) or exists (select from videos) or exists (select from user_video_decisions)")
            .ScalarAsync<bool>(ct);

    public static object Counts(TableSet tables, WriteResult? written = null) => new
    {
        profiles = tables.Profiles.Count,
        videos = tables.Videos.Count,
        decisions = tables.Decisions.Count + tables.ExactDecisions.Count,
        decisions_written = written?.Decisions,
        likes = tables.Decisions.Count(decision => decision.Type == DecisionType.Like),
        video_features = tables.Videos.Sum(video => video.VideoFeatures.Count),
    };

    public static string Sentence(TableSet tables, WriteResult? written = null)
    {
        var decisions = tables.Decisions.Count + tables.ExactDecisions.Count;
        var likes = tables.Decisions.Count(decision => decision.Type == DecisionType.Like);
        var vectors = tables.Videos.Sum(video => video.VideoFeatures.Count);
        return $"{Amounts.Count(tables.Profiles.Count)} users, {Amounts.Count(tables.Videos.Count)} videos, "
            + $"{Amounts.Count(decisions)} decisions ({Amounts.Count(likes)} likes)"
            + (written is { } result && result.Decisions != decisions ? $", of which the table took {Amounts.Count(result.Decisions)}" : "")
            + (vectors > 0 ? $", {Amounts.Count(vectors)} vectors of videos" : "");
    }
}
