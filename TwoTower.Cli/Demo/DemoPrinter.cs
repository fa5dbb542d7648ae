using Spectre.Console;
using TwoTower.Cli.Output;

namespace TwoTower.Cli.Demo;

/// <summary>The demo's result for a person.</summary>
internal static class DemoPrinter
{
    private const int Tags = 4;

    public static void Show(Terminal terminal, DemoResult result)
    {
        foreach (var user in result.Users)
        {
            terminal.Say("");
            terminal.Say($"{user.Name ?? user.UserId.ToString()}: {user.Likes} likes, above all {string.Join(", ", user.Taste)}");
            terminal.Show(Side("liked lately", user.Liked));
            terminal.Show(Side(user.Strategy == "two_tower" ? "gets now" : $"gets now ({user.Strategy})", user.Recommended));
        }

        terminal.Say("");
        terminal.Say($"API           {result.Api}");
        terminal.Say($"documentation {result.Documentation}   (OpenAPI: {result.Openapi})");
        if (result.Users is [var first, ..])
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
