using Spectre.Console;
using TwoTower.Cli.Output;

namespace TwoTower.Cli.Demo;

/// <summary>The demo's result for a person.</summary>
internal static class DemoPrinter
{
    private const int Tags = 4;

    public static void Show(Terminal terminal, DemoResult result)
    {
        foreach (var viewer in result.Viewers)
        {
            terminal.Say("");
            terminal.Say($"{viewer.Name ?? viewer.UserId.ToString()}: {viewer.Likes} likes, above all {string.Join(", ", viewer.Taste)}");
            terminal.Show(Side("liked lately", viewer.Liked));
            terminal.Show(Side(viewer.Strategy == "two_tower" ? "gets now" : $"gets now ({viewer.Strategy})", viewer.Recommended));
        }

        terminal.Say("");
        terminal.Say($"API           {result.Api}");
        terminal.Say($"documentation {result.Documentation}   (OpenAPI: {result.Openapi})");
        if (result.Viewers is [var first, ..])
        {
            terminal.Say($"try           curl {result.Api}v1/users/{first.UserId}/recommendations");
        }
    }

    private static Table Side(string title, IReadOnlyList<DemoVideo> videos)
    {
        var scored = videos.Any(video => video.Score is not null);
        var table = new Table().Border(TableBorder.Simple).AddColumns("", title, "tags");
        table.Columns[0].RightAligned();
        if (scored)
        {
            table.AddColumn(new TableColumn("score").RightAligned());
        }

        for (var i = 0; i < videos.Count; i++)
        {
            Text[] row = [new($"{i + 1}"), new(videos[i].Title), new(string.Join(", ", videos[i].Tags.Take(Tags)))];
            table.AddRow(scored ? [.. row, new($"{videos[i].Score:0.000}")] : row);
        }

        return table;
    }
}
