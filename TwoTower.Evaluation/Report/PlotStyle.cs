using OxyPlot;
using OxyPlot.Axes;
using OxyPlot.Legends;

namespace TwoTower.Evaluation.Report;

/// <summary>
/// How plots look. Colours are names of the page's CSS variables, so that a plot follows light and dark: a plotting library knows numbers
/// only, and so each name goes through it as a colour that no plot would have otherwise.
/// </summary>
internal static class PlotStyle
{
    public const double Width = 440, Height = 290;

    private const byte Mark = 1;

    private static readonly string[] Names = ["ink", "muted", "grid", "c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8"];

    private static readonly MarkerType[] Markers =
        [MarkerType.Circle, MarkerType.Square, MarkerType.Triangle, MarkerType.Diamond];

    public static OxyColor Ink => Of("ink");

    public static OxyColor Muted => Of("muted");

    public static OxyColor Grid => Of("grid");

    /// <summary>Colours and shapes in turn: who can't tell two colours can tell the shapes.</summary>
    public static OxyColor Series(int index) => Of($"c{index % 8 + 1}");

    public static MarkerType Marker(int index) => Markers[(index + index / 8) % Markers.Length];

    /// <summary>The CSS variable of a colour in SVG, <c>rgb(1,0,3)</c>; null for one that isn't ours.</summary>
    public static string? Variable(byte red, byte green, byte blue) => red == Mark && green == 0 && blue < Names.Length ? $"var(--{Names[blue]})" : null;

    public static PlotModel NewPlot(bool legend = false)
    {
        var plot = new PlotModel
        {
            Culture = System.Globalization.CultureInfo.InvariantCulture,
            Background = OxyColors.Undefined,
            TextColor = Ink,
            DefaultFont = "Arial", // measured, not written: the page has its own
            DefaultFontSize = 13,
            PlotAreaBorderThickness = new(0),
            PlotAreaBorderColor = Grid,
            PlotMargins = new(double.NaN),
            Padding = new(4, 8, 14, 4),
        };
        if (legend)
        {
            plot.Legends.Add(new Legend
            {
                LegendPlacement = LegendPlacement.Outside,
                LegendPosition = LegendPosition.BottomCenter,
                LegendOrientation = LegendOrientation.Horizontal,
                LegendTextColor = Ink,
                LegendSymbolLength = 22,
                LegendItemSpacing = 12,
                LegendPadding = 2,
                LegendMargin = 2,
            });
        }

        return plot;
    }

    public static LinearAxis Numbers(AxisPosition position, string title, string format = "0.###") => Styled(new LinearAxis
    {
        StringFormat = format,
        MajorGridlineStyle = LineStyle.Solid,
        MajorGridlineColor = Grid,
        MinorTickSize = 0,
        MaximumPadding = 0.04,
        MinimumPadding = 0.04,
        IntervalLength = 70,
    }, position, title);

    public static CategoryAxis Categories(AxisPosition position, IEnumerable<string> labels)
    {
        var axis = Styled(new CategoryAxis { MinorTickSize = 0, IsTickCentered = true, GapWidth = 0.5, MajorStep = 1 }, position, null);
        axis.Labels.AddRange(labels);
        return axis;
    }

    private static T Styled<T>(T axis, AxisPosition position, string? title)
        where T : Axis
    {
        axis.Position = position;
        axis.Title = title;
        axis.TicklineColor = axis.AxislineColor = axis.MinorTicklineColor = Grid;
        axis.TextColor = axis.TitleColor = Ink;
        axis.AxislineStyle = LineStyle.Solid;
        axis.MajorTickSize = 4;
        return axis;
    }

    private static OxyColor Of(string name) => OxyColor.FromRgb(Mark, 0, (byte)Array.IndexOf(Names, name));
}
