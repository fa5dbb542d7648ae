using System.Text.RegularExpressions;

namespace TwoTower.Repository.Tests;

/// <summary>Holds what docs/style.md says of words and of files: a user has no sex, a comment says something, files are short.</summary>
public sealed partial class WordTests
{
    private const int MostLines = 400;

    [Fact]
    public void A_user_has_no_sex() =>
        Assert.Equal([], Lines([".cs", ".sql", ".ts", ".md"], path => path is not ("docs/style.md" or "CHANGELOG.md"), He()));

    [Fact]
    public void A_parameter_is_described_or_not_documented() => Assert.Equal([], Lines([".cs"], _ => true, Empty()));

    [Fact]
    public void A_file_of_code_has_at_most_400_lines() =>
        Assert.Equal(
            [],
            RepositoryFiles.With(".cs", ".sql", ".ts")
                .Select(path => (Path: path, Lines: File.ReadLines(Path.Combine(RepositoryFiles.Root, path)).Count()))
                .Where(file => file.Lines > MostLines).Select(file => $"{file.Path} has {file.Lines} lines"));

    private static IEnumerable<string> Lines(string[] extensions, Func<string, bool> isOne, Regex wrong) =>
        from path in RepositoryFiles.With(extensions)
        where isOne(path) && path != "tests/TwoTower.Repository.Tests/WordTests.cs"
        from line in File.ReadLines(Path.Combine(RepositoryFiles.Root, path)).Select((text, index) => (Text: text, Number: index + 1))
        where wrong.IsMatch(line.Text)
        select $"{path}:{line.Number}: {line.Text.Trim()}";

    [GeneratedRegex(@"(?<!/)\b(he|his|him|himself)\b(?!/)", RegexOptions.IgnoreCase)]
    private static partial Regex He();

    // "The settings." for settings, "Its name." for name.
    [GeneratedRegex("""<param name="(?<name>\w+)">(the |its |a |an )?\k<name>\.?</param>""", RegexOptions.IgnoreCase)]
    private static partial Regex Empty();
}
