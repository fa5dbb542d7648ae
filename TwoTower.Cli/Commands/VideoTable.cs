using Spectre.Console;
using TwoTower.Postgres.Serving;

namespace TwoTower.Cli.Commands;

/// <summary>Recommended videos as a table for people.</summary>
internal static class VideoTable
{
    public static Table Of(IEnumerable<RecommendedVideo> videos)
    {
        var shown = videos.ToList();
        string[] likely = shown.Exists(video => video.LikeProbability is not null) ? ["liked if seen"] : [];
        var table = new Table().Border(TableBorder.Simple).AddColumns(["", "title", "tags", "score", .. likely, "because of"]);
        table.Columns[0].RightAligned();
        foreach (var video in shown)
        {
            table.AddRow(
            [
                new Text($"{video.Rank}"), new Text(video.Video.Title ?? video.Video.ExternalId ?? video.Video.Id.ToString()),
                new Text(string.Join(", ", video.Video.Tags.Take(4))), new Text($"{video.Score ?? video.Popularity:0.000}"),
                .. likely.Select(_ => new Text($"{video.LikeProbability:0 %}")),
                new Text(string.Join(", ", video.Reasons.Select(reason => $"{reason.Name} ({reason.Likes})"))),
            ]);
        }

        return table;
    }
}
