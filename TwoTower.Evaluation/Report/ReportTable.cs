using System.Text;
using static TwoTower.Evaluation.Report.ReportPage;

namespace TwoTower.Evaluation.Report;

/// <summary>A table of the page.</summary>
/// <param name="title">What it shows.</param>
/// <param name="about">What every table says of its numbers: data set, protocol, cores.</param>
/// <param name="columns">Heads; the first is that of the rows' names.</param>
internal sealed class ReportTable(string title, string about, IReadOnlyList<string> columns)
{
    private readonly List<(string Name, bool IsRecipe, IReadOnlyList<Cell> Cells)> _rows = [];

    public void Add(string name, bool isRecipe, IEnumerable<Cell> cells) => _rows.Add((name, isRecipe, [.. cells]));

    public string ToHtml()
    {
        if (_rows.Count == 0) return "";
        var html = new StringBuilder();
        html.Append($"<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{Text(title)}\">\n<table>\n");
        html.Append($"<caption><span class=\"about\"><strong>{Text(title)}</strong><br>{Text(about)}</span></caption>\n<thead><tr>");
        foreach (var column in columns) html.Append($"<th scope=\"col\">{Lines(column)}</th>");
        html.Append("</tr></thead>\n<tbody>\n");
        foreach (var (name, isRecipe, cells) in _rows)
        {
            html.Append($"<tr{(isRecipe ? " class=\"recipe\"" : "")}><th scope=\"row\">{Text(name)}</th>");
            foreach (var cell in cells) html.Append($"<td{(cell.IsBest ? " class=\"best\"" : "")}>{Lines(cell.Text)}</td>");
            html.Append("</tr>\n");
        }

        return html.Append("</tbody>\n</table>\n</div>\n").ToString();
    }

    /// <summary>The first line as it is, what follows it small.</summary>
    private static string Lines(string text) =>
        text.IndexOf('\n') is var end and >= 0 ? $"{Text(text[..end])}<small>{Text(text[(end + 1)..])}</small>" : Text(text);
}

/// <summary>A cell.</summary>
/// <param name="Text">What it shows; a second line is small.</param>
/// <param name="IsBest">Whether it is the best of its column.</param>
internal readonly record struct Cell(string Text, bool IsBest = false);
