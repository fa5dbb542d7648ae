using System.Text.RegularExpressions;

namespace TwoTower.Repository.Tests;

/// <summary>docs/contract.md has what the code cites by number.</summary>
public partial class ContractTests
{
    [Fact]
    public void Every_section_of_the_contract_that_is_cited_exists()
    {
        var sections = SectionHeading().Matches(RepositoryFiles.Read("docs/contract.md")).Select(heading => heading.Groups[1].Value).ToList();
        var cited =
            (from path in RepositoryFiles.With(".cs", ".sql", ".md", ".json", ".proto", ".csproj", ".props", ".targets", ".yml", ".ts", ".py")
             where !path.StartsWith("tests/TwoTower.Repository.Tests/", StringComparison.Ordinal)
             from section in Cited(RepositoryFiles.Read(path))
             select (path, section)).ToList();

        Assert.Equal([.. Enumerable.Range(1, sections.Count).Select(number => $"{number}")], sections);
        Assert.True(cited.Count > 20, $"only {cited.Count} citations were found");
        Assert.DoesNotContain(cited, citation => !sections.Contains(citation.section));
    }

    [Theory]
    [InlineData("(contract, section 7)", "7")]
    [InlineData("The numerics of contract section 3,", "3")]
    [InlineData("The re-ranking of the contract's section 9;", "9")]
    [InlineData("The contract's search (section 9), over", "9")]
    [InlineData("The SQL functions of the contract, section 2, against", "2")]
    [InlineData("as the contract\n    /// (sections 3, 4 and 12) has it", "3 4 12")]
    [InlineData("as section 5 of the contract\n-- says", "5")]
    [InlineData("contract, § 8", "8")]
    [InlineData("the contract has it; see section 3 of the manual", "")]
    public void A_citation_is_found_however_it_is_written(string text, string sections) =>
        Assert.Equal(sections, string.Join(' ', Cited(text)));

    private static IEnumerable<string> Cited(string text)
    {
        // A comment's citation may go on in its next line.
        var line = CommentBreak().Replace(text, " ");
        return Before().Matches(line).Concat(After().Matches(line))
            .SelectMany(citation => Number().Matches(citation.Groups[1].Value))
            .Select(number => number.Value);
    }

    [GeneratedRegex(@"^## (\d+)\. ", RegexOptions.Multiline)]
    private static partial Regex SectionHeading();

    [GeneratedRegex(@"\s*\n\s*(?:///?|--|#|\*)?\s*")]
    private static partial Regex CommentBreak();

    // Up to two words between: "the contract's search (section 9)".
    [GeneratedRegex(@"\bcontract(?:'s)?,?(?: \w+){0,2},? ?\(?(?:sections? |§ ?)(\d+(?:(?:, | and |–|-)\d+)*)", RegexOptions.IgnoreCase)]
    private static partial Regex Before();

    [GeneratedRegex(@"\b(?:sections? |§ ?)(\d+(?:(?:, | and |–|-)\d+)*) of the contract", RegexOptions.IgnoreCase)]
    private static partial Regex After();

    [GeneratedRegex(@"\d+")]
    private static partial Regex Number();
}
