using System.Text.RegularExpressions;

namespace TwoTower.Repository.Tests;

/// <summary>The links and the headings of a Markdown page, as GitHub shows it.</summary>
internal sealed partial class MarkdownPage
{
    private MarkdownPage(string path, string text)
    {
        Path = path;
        // What stands in code is no link and no heading; line numbers stay.
        Prose = Fence().Replace(text, code => new string('\n', code.Value.Count(c => c == '\n')));
        var seen = new Dictionary<string, int>();
        foreach (Match heading in Heading().Matches(Prose))
        {
            var slug = Slug(heading.Groups[1].Value);
            var before = seen.GetValueOrDefault(slug);
            seen[slug] = before + 1;
            Anchors.Add(before == 0 ? slug : $"{slug}-{before}");
        }

        foreach (Match anchor in HtmlAnchor().Matches(Prose)) Anchors.Add(anchor.Groups[1].Value);
    }

    /// <summary>Relative to the repository, with forward slashes.</summary>
    public string Path { get; }

    /// <summary>The text without fenced code.</summary>
    public string Prose { get; }

    /// <summary>What a link may name after '#'.</summary>
    public ISet<string> Anchors { get; } = new HashSet<string>(StringComparer.Ordinal);

    /// <summary>Targets of links and images, with the line they are on.</summary>
    public IEnumerable<(int Line, string Target)> Links => Link().Matches(InlineCode().Replace(Prose, code => new string(' ', code.Length)))
        .Concat(Definition().Matches(Prose))
        .Select(link => (1 + Prose.AsSpan(0, link.Index).Count('\n'), link.Groups[1].Value));

    public static MarkdownPage Read(string path) => new(path, RepositoryFiles.Read(path));

    public static MarkdownPage Of(string path, string text) => new(path, text);

    /// <summary>GitHub's name of a heading: lower case, no punctuation but '-' and '_', '-' for each space.</summary>
    public static string Slug(string heading)
    {
        var text = LinkText().Replace(heading.Trim(), "$1").ToLowerInvariant();
        return string.Concat(text.Where(c => char.IsLetterOrDigit(c) || c is ' ' or '-' or '_')).Replace(' ', '-');
    }

    [GeneratedRegex(@"^(`{3,}|~{3,})[^\n]*\n.*?^\1`*[ ]*$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Fence();

    [GeneratedRegex(@"`[^`\n]+`")]
    private static partial Regex InlineCode();

    [GeneratedRegex(@"^#{1,6}[ ]+(.+?)[ #]*$", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex("""<a\s+(?:id|name)="([^"]+)""")]
    private static partial Regex HtmlAnchor();

    [GeneratedRegex(@"\]\(\s*<?([^)\s>]+)>?(?:\s+""[^""]*"")?\s*\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"^\[[^\]\n]+\]:[ ]*(\S+)", RegexOptions.Multiline)]
    private static partial Regex Definition();

    [GeneratedRegex(@"\[([^\]]*)\]\([^)]*\)")]
    private static partial Regex LinkText();
}
