using System.Text;
using TwoTower.Core.Formats;
using static TwoTower.Evaluation.Report.ReportPage;

namespace TwoTower.Evaluation.Report;

/// <summary>A suite as one HTML page that needs nothing but itself.</summary>
internal static class SuitePage
{
    /// <summary>Writes the file, whole or not at all.</summary>
    public static void Write(string path, EvaluatedSuite suite) => ReportPage.Write(path, Render(suite));

    /// <summary>The page's text.</summary>
    public static string Render(EvaluatedSuite suite)
    {
        var first = suite.Sets[0];
        var html = new StringBuilder(
            """
            <p>Means over the users asked, in small print the 95 % interval by a bootstrap over users. A difference is paired: the same users drawn for both. The reference
            of a set is its best baseline by ndcg@100, unless another was named.</p>

            """);
        foreach (var (metric, columns, rows) in suite.Tables())
        {
            var table = new ReportTable(metric, string.Join(" · ", new[] { first.Protocol, first.Split }.OfType<string>()), columns);
            foreach (var row in rows) table.Add(row[0], isRecipe: false, row.Skip(1).Select(text => new Cell(text)));
            html.Append(table.ToHtml());
        }

        foreach (var set in suite.Sets)
        {
            if (set.BaselineSettings.Count == 0) continue;
            var fits = set.BaselineSettings.Select(fit => string.Join(
                ", ", fit.Settings.Select(pair => FormattableString.Invariant($"{pair.Key} {pair.Value:0.####}"))));
            html.Append($"<p>{Text(set.Data)}: {Text(string.Join("; ", fits))}</p>\n");
        }

        return ReportPage.Frame(
            $"{Amounts.Count(suite.Sets.Count)} {(suite.Sets.Count == 1 ? "set" : "sets")}, {first.Protocol}", html.ToString(),
            "twotower evaluate --suite", suite.Sets[^1].EvaluatedAt);
    }
}
