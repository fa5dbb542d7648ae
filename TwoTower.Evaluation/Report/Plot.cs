using System.Net;
using System.Text.RegularExpressions;
using OxyPlot;

namespace TwoTower.Evaluation.Report;

/// <summary>A plot with the words that belong to it.</summary>
/// <param name="Title">What it shows.</param>
/// <param name="Note">How to read it, in a few words.</param>
/// <param name="Alternative">Its content for whoever can't see it.</param>
/// <param name="Model">The plot.</param>
/// <param name="Height">Of a width of <see cref="PlotStyle.Width"/>.</param>
internal sealed partial record Plot(string Title, string Note, string Alternative, PlotModel Model, double Height = PlotStyle.Height)
{
    /// <summary>As part of a page.</summary>
    /// <param name="id">Of this plot alone on its page.</param>
    public string ToHtml(string id) =>
        $"""
        <figure>
        <figcaption>{WebUtility.HtmlEncode(Title)} <small>{WebUtility.HtmlEncode(Note)}</small></figcaption>
        {ToSvg(id)}
        </figure>

        """;

    private string ToSvg(string id)
    {
        var svg = new SvgExporter
        {
            Width = PlotStyle.Width,
            Height = Height,
            IsDocument = false,
            TextMeasurer = new RoomyText(PlotStyle.Width, Height),
        }.ExportToString(Model);
        var errors = Model.GetLastPlotException();
        if (errors is not null) throw new InvalidOperationException($"The plot '{Title}' could not be drawn: {errors.Message}", errors);

        // What is inside, in an element that scales, has a name, and shares the page's colours and font. Clip paths are named page-wide.
        var inside = svg[(svg.IndexOf('>', svg.IndexOf("<svg", StringComparison.Ordinal)) + 1)..svg.LastIndexOf("</svg>", StringComparison.Ordinal)];
        inside = Colour().Replace(inside, match => PlotStyle.Variable(Part(match, 1), Part(match, 2), Part(match, 3)) ?? match.Value);
        inside = Font().Replace(inside, "");
        inside = ClipId().Replace(inside, $"$1{id}-$2");
        return string.Create(System.Globalization.CultureInfo.InvariantCulture,
            $"""
            <svg viewBox="0 0 {PlotStyle.Width} {Height}" role="img" aria-labelledby="{id}-title {id}-text">
            <title id="{id}-title">{WebUtility.HtmlEncode(Title)}</title>
            <desc id="{id}-text">{WebUtility.HtmlEncode(Alternative)}</desc>
            {inside.Trim()}
            </svg>
            """);
    }

    /// <summary>The reader's font isn't known: a letter gets the room that a wide sans-serif takes, so that nothing overlaps or is cut
    /// off.</summary>
    private sealed class RoomyText(double width, double height) : PdfRenderContext(width, height, OxyColors.Undefined)
    {
        private const double LetterWidth = 0.62, LineHeight = 1.25; // of the font's size

        public override OxySize MeasureText(string text, string fontFamily, double fontSize, double fontWeight)
        {
            var lines = (text ?? "").Split('\n');
            return new(lines.Max(line => line.Length) * LetterWidth * fontSize, lines.Length * LineHeight * fontSize);
        }
    }

    private static byte Part(Match match, int group) => byte.Parse(match.Groups[group].ValueSpan);

    [GeneratedRegex(@"rgb\((\d{1,3}),(\d{1,3}),(\d{1,3})\)")]
    private static partial Regex Colour();

    [GeneratedRegex(" font-family=\"[^\"]*\"")]
    private static partial Regex Font();

    [GeneratedRegex("(id=\"|url\\(#)(clipPath\\d+)")]
    private static partial Regex ClipId();
}
