using System.Text.RegularExpressions;

namespace TwoTower.Repository.Tests;

/// <summary>
/// Lines of C# have at most 140 characters. One with text in quotes may have 200, so that a message stays whole and can be searched for.
/// Raw string literals are as long as they need to be.
/// </summary>
public sealed partial class LineLengthTests
{
    private const int Most = 140, MostWithText = 200;

    [Fact]
    public void Lines_of_code_are_short_enough_to_read()
    {
        List<string> tooLong = [];
        foreach (var path in RepositoryFiles.With(".cs"))
        {
            var raw = false;
            var number = 0;
            foreach (var line in File.ReadLines(Path.Combine(RepositoryFiles.Root, path)))
            {
                number++;
                var quotes = RawQuotes().Count(line);
                if (!raw && quotes == 0 && line.Length > (line.Contains('"', StringComparison.Ordinal) ? MostWithText : Most))
                {
                    tooLong.Add($"{path}:{number} has {line.Length} characters");
                }

                if (quotes % 2 == 1) raw = !raw;
            }
        }

        Assert.True(tooLong.Count == 0, string.Join('\n', tooLong));
    }

    [GeneratedRegex("\"{3,}")]
    private static partial Regex RawQuotes();
}
