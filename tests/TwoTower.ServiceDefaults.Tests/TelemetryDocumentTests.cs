using System.Text.RegularExpressions;

namespace TwoTower.ServiceDefaults.Tests;

/// <summary>docs/telemetry.md against the sources.</summary>
public partial class TelemetryDocumentTests
{
    [Fact]
    public void Every_metric_of_ours_is_in_the_document_and_the_document_has_no_other()
    {
        var inCode = Sources("*Telemetry.cs").SelectMany(text => Instrument().Matches(text)).Select(match => match.Groups[1].Value);
        var inDocument = Row().Matches(Document()).Select(match => match.Groups[1].Value);

        Assert.Equal(inCode.Distinct().Order(), inDocument.Order());
    }

    [Fact]
    public void Every_source_and_meter_of_ours_is_in_the_document_and_the_document_has_no_other()
    {
        var inCode = Sources("*Telemetry.cs").SelectMany(text => Named().Matches(text)).Select(match => match.Groups[1].Value);
        var inDocument = First().Matches(Document()).Select(match => match.Groups[1].Value);

        Assert.Equal(inCode.Distinct().Order(), inDocument.Distinct().Order());
    }

    [Fact]
    public void Every_span_that_has_a_fixed_name_is_in_the_document()
    {
        var names = Sources("*.cs").SelectMany(text => Span().Matches(text)).Select(match => match.Groups[1].Value).Distinct().ToList();

        Assert.Contains("epoch", names);
        Assert.All(names, name => Assert.Contains($"`{name}`", Document(), StringComparison.Ordinal));
    }

    private static IEnumerable<string> Sources(string files) => Directory.EnumerateDirectories(Root(), "TwoTower.*")
        .SelectMany(project => Directory.EnumerateFiles(project, files, SearchOption.AllDirectories))
        .Where(file => !file.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal))
        .Select(File.ReadAllText);

    private static string Document() => File.ReadAllText(Path.Combine(Root(), "docs", "telemetry.md"));

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

    [GeneratedRegex(@"""(TwoTower\.[A-Z][A-Za-z]+)""")]
    private static partial Regex Named();

    [GeneratedRegex(@"^\| `(TwoTower\.[A-Za-z]+)`", RegexOptions.Multiline)]
    private static partial Regex First();

    [GeneratedRegex(@"StartActivity\(""([a-z ]+)""")]
    private static partial Regex Span();
}
