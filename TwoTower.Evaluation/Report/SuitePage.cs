using System.Net;
using System.Text;
using TwoTower.Core.Formats;

namespace TwoTower.Evaluation.Report;

/// <summary>A suite as one HTML page that needs nothing but itself.</summary>
internal static class SuitePage
{
    /// <summary>Writes the file, whole or not at all.</summary>
    public static void Write(string path, EvaluatedSuite suite)
    {
        var page = Encoding.UTF8.GetBytes(Render(suite));
        AtomicFile.Write(path, stream => stream.Write(page));
    }

    /// <summary>The page's text.</summary>
    public static string Render(EvaluatedSuite suite)
    {
        var first = suite.Sets[0];
        var title = $"{Amounts.Count(suite.Sets.Count)} {(suite.Sets.Count == 1 ? "set" : "sets")}, {first.Protocol}";
        var html = new StringBuilder(
            $"""
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
            <title>Evaluation: {Text(title)}</title>
            <style>
            {EvaluationPage.Style()}</style>
            </head>
            <body>
            <main>
            <h1>Evaluation: {Text(title)}</h1>
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

        html.Append($"</main>\n<footer>Made by <code>twotower evaluate --suite</code>, {suite.Sets[^1].EvaluatedAt.UtcDateTime:yyyy-MM-dd HH:mm} UTC.</footer>\n</body>\n</html>\n");
        return html.ToString();
    }

    private static string Text(string text) => WebUtility.HtmlEncode(text);
}
