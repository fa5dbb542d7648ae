using System.Text.RegularExpressions;

namespace TwoTower.Repository.Tests;

/// <summary>Tables that GitHub shows as tables: an empty line, a missing separator or a stray '|' makes text of them, or loses a
/// cell.</summary>
public partial class TableTests
{
    [Fact]
    public void Every_table_of_every_page_is_whole()
    {
        var broken = RepositoryFiles.With(".md").Select(MarkdownPage.Read).SelectMany(Broken).ToList();

        Assert.True(broken.Count == 0, string.Join('\n', broken));
    }

    [Fact]
    public void A_table_that_an_empty_line_breaks_and_a_row_with_a_cell_too_many_are_found()
    {
        var page = MarkdownPage.Of("a.md", "| a | b |\n| --- | --- |\n| 1 | `x\\|y` |\n| 1 | 2 | 3 |\n\n| 4 | 5 |\n| 6 | 7 |\n");

        Assert.Equal(["a.md, line 4: 3 cells in a table of 2", "a.md, line 6: a table without a separator beneath its first line"], Broken(page));
    }

    private static IEnumerable<string> Broken(MarkdownPage page)
    {
        var lines = page.Prose.Split('\n');
        for (var first = 0; first < lines.Length; first++)
        {
            if (!lines[first].StartsWith('|')) continue;
            var last = first;
            while (last + 1 < lines.Length && lines[last + 1].StartsWith('|')) last++;
            if (last == first || !Separator().IsMatch(lines[first + 1]))
            {
                yield return $"{page.Path}, line {first + 1}: a table without a separator beneath its first line";
            }
            else
            {
                var cells = Cells(lines[first]);
                for (var row = first + 1; row <= last; row++)
                {
                    if (Cells(lines[row]) != cells) yield return $"{page.Path}, line {row + 1}: {Cells(lines[row])} cells in a table of {cells}";
                }
            }

            first = last;
        }
    }

    private static int Cells(string row) => Bar().Count(row.Trim()) - 1;

    [GeneratedRegex(@"^\|(?:\s*:?-+:?\s*\|)+\s*$")]
    private static partial Regex Separator();

    [GeneratedRegex(@"(?<!\\)\|")]
    private static partial Regex Bar();
}
