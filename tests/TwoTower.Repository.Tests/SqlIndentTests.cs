namespace TwoTower.Repository.Tests;

/// <summary>
/// SQL functions are indented by four spaces a step, queries in quotes too (.editorconfig). Migrations keep the text that they landed with.
/// </summary>
public sealed class SqlIndentTests
{
    [Fact]
    public void Functions_are_indented_by_four_spaces()
    {
        List<string> wrong = [];
        var paths = RepositoryFiles.With(".sql").Where(path => path.StartsWith("sql/functions/", StringComparison.Ordinal)).ToList();
        foreach (var path in paths)
        {
            var number = 0;
            foreach (var line in File.ReadLines(Path.Combine(RepositoryFiles.Root, path)))
            {
                number++;
                var indent = line.Length - line.TrimStart().Length;
                if (indent % 4 != 0 || line.AsSpan(0, indent).Contains('\t'))
                {
                    wrong.Add($"{path}:{number} is indented by {indent}: make it a multiple of 4 spaces");
                }
            }
        }

        Assert.NotEmpty(paths);
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }
}
