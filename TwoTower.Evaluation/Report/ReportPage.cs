using System.Net;
using System.Text;
using TwoTower.Core.Formats;

namespace TwoTower.Evaluation.Report;

/// <summary>The frame of an HTML page that needs nothing but itself: no script, no font, no picture from elsewhere, and a policy that says
/// so.</summary>
internal static class ReportPage
{
    /// <summary>Writes the file, whole or not at all.</summary>
    public static void Write(string path, string page)
    {
        var bytes = Encoding.UTF8.GetBytes(page);
        AtomicFile.Write(path, stream => stream.Write(bytes));
    }

    /// <summary>The page of a content in HTML.</summary>
    /// <param name="title">What was evaluated, as plain text.</param>
    /// <param name="content">Below the heading.</param>
    /// <param name="command">The command that made it.</param>
    public static string Frame(string title, string content, string command, DateTimeOffset madeAt) =>
        $"""
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
        <title>Evaluation: {Text(title)}</title>
        <style>
        {Style()}</style>
        </head>
        <body>
        <main>
        <h1>Evaluation: {Text(title)}</h1>
        {content}</main>
        <footer>Made by <code>{command}</code>, {madeAt.UtcDateTime:yyyy-MM-dd HH:mm} UTC.</footer>
        </body>
        </html>

        """;

    /// <summary>Plain text as HTML.</summary>
    public static string Text(string text) => WebUtility.HtmlEncode(text);

    private static string Style()
    {
        using var stream = typeof(ReportPage).Assembly.GetManifestResourceStream("evaluation.css")!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
