using System.Text.RegularExpressions;

namespace TwoTower.ServiceDefaults.Tests;

/// <summary>docs/telemetry.md against the sources.</summary>
public partial class TelemetryDocumentTests
{
    [Fact]
    public void Every_metric_of_ours_is_in_the_document_and_the_document_has_no_other()
    {
        var root = Root();
        var inCode = Directory.EnumerateDirectories(root, "TwoTower.*")
            .SelectMany(project => Directory.EnumerateFiles(project, "*Telemetry.cs", SearchOption.AllDirectories))
            .Where(file => !file.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal))
            .SelectMany(file => Instrument().Matches(File.ReadAllText(file))).Select(match => match.Groups[1].Value);
        var inDocument = Row().Matches(File.ReadAllText(Path.Combine(root, "docs", "telemetry.md"))).Select(match => match.Groups[1].Value);

        Assert.Equal(inCode.Distinct().Order(), inDocument.Order());
    }

    private static string Root()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "TwoTower.sln")))
        {
            folder = folder.Parent ?? throw new InvalidOperationException("the tests run outside the repository");
        }

        return folder.FullName;
    }

    [GeneratedRegex(@"Create\w+(?:<\w+>)?\(\s*""(twotower\.[a-z_.]+)""")]
    private static partial Regex Instrument();

    [GeneratedRegex(@"^\|[^|]*\| `(twotower\.[a-z_.]+)`", RegexOptions.Multiline)]
    private static partial Regex Row();
}
