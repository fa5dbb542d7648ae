using System.Text.RegularExpressions;

namespace TwoTower.Repository.Tests;

/// <summary>What a reader can click on or look up is there.</summary>
public partial class LinkTests
{
    [Fact]
    public void Every_relative_link_of_every_page_leads_to_a_file_and_a_heading()
    {
        var pages = RepositoryFiles.With(".md").ToDictionary(path => path, MarkdownPage.Read);
        var dead = pages.Values.SelectMany(page => Dead(page, path => pages.GetValueOrDefault(path))).ToList();

        Assert.True(pages.Values.Sum(page => page.Links.Count()) > 50, "hardly any links were found");
        Assert.True(dead.Count == 0, string.Join('\n', dead));
    }

    [Fact]
    public void A_dead_link_is_found_by_its_line()
    {
        var page = MarkdownPage.Of("docs/a.md", "# One\n\n[there](#one), [nowhere](#two)\n\n```\n[code](no.md)\n```\n`[code](no.md)` [gone](../gone.md)\n");

        Assert.Equal(
            ["docs/a.md, line 3: #two names no heading of docs/a.md", "docs/a.md, line 8: ../gone.md leads to gone.md, which isn't there"],
            Dead(page, path => path == page.Path ? page : null));
    }

    [Theory]
    [InlineData("The probability of a like", "the-probability-of-a-like")]
    [InlineData("8. Embeddings, upload, publication", "8-embeddings-upload-publication")]
    [InlineData("`twotower tune` & [its folder](x.md)", "twotower-tune--its-folder")]
    public void Headings_are_named_as_on_GitHub(string heading, string anchor) => Assert.Equal(anchor, MarkdownPage.Slug(heading));

    [Fact]
    public void Every_page_of_docs_that_a_source_names_is_there()
    {
        var dead =
            from path in RepositoryFiles.With(".cs", ".csproj", ".props", ".targets", ".sql", ".json", ".yml", ".yaml", ".sh", ".cmd", ".ts", ".py", "")
            where !path.StartsWith("tests/TwoTower.Repository.Tests/", StringComparison.Ordinal)
            from Match name in DocumentName().Matches(RepositoryFiles.Read(path))
            where !RepositoryFiles.Exists(name.Value)
            select $"{path} names {name.Value}, which isn't there";

        Assert.Empty(dead);
    }

    [Fact]
    public void Every_page_of_docs_is_in_its_table_of_contents()
    {
        var contents = MarkdownPage.Read("docs/README.md").Links.Select(link => $"docs/{link.Target.Split('#')[0]}").ToHashSet();
        var pages = RepositoryFiles.With(".md").Where(path => path.StartsWith("docs/", StringComparison.Ordinal) && path != "docs/README.md");

        Assert.Empty(pages.Except(contents));
    }

    private static IEnumerable<string> Dead(MarkdownPage page, Func<string, MarkdownPage?> find)
    {
        foreach (var (line, target) in page.Links)
        {
            if (Elsewhere().IsMatch(target)) continue;
            var parts = Uri.UnescapeDataString(target).Split('#', 2);
            var path = parts[0].Length == 0 ? page.Path : Resolve(page.Path, parts[0]);
            if (path is null || (find(path) is null && !RepositoryFiles.Exists(path)))
            {
                yield return $"{page.Path}, line {line}: {target} leads to {path ?? "a place outside of the repository"}, which isn't there";
            }
            else if (parts.Length == 2 && find(path) is { } other && !other.Anchors.Contains(parts[1]))
            {
                yield return $"{page.Path}, line {line}: {target} names no heading of {path}";
            }
        }
    }

    private static string? Resolve(string page, string target)
    {
        var parts = new List<string>(target.StartsWith('/') ? [] : page.Split('/')[..^1]);
        foreach (var part in target.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            if (part == ".") continue;
            if (part != "..") parts.Add(part);
            else if (parts.Count == 0) return null;
            else parts.RemoveAt(parts.Count - 1);
        }

        return string.Join('/', parts);
    }

    [GeneratedRegex("^[a-z][a-z0-9+.-]*:", RegexOptions.IgnoreCase)]
    private static partial Regex Elsewhere();

    [GeneratedRegex(@"\bdocs/[A-Za-z0-9/_-]+\.md\b")]
    private static partial Regex DocumentName();
}
