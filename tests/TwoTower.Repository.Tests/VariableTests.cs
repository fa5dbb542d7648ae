namespace TwoTower.Repository.Tests;

/// <summary>docs/configuration.md says which program reads a variable; the sources say which does.</summary>
public class VariableTests
{
    // The word of the page for each program, and the projects whose code is in it alone or with others.
    private static readonly (string Word, string[] Projects)[] Programs =
    [
        ("`twotower`", ["TwoTower.Cli", "TwoTower.Training", "TwoTower.LocalPostgres"]),
        ("the trainer", ["TwoTower.Trainer", "TwoTower.Training"]),
        ("the AppHost", ["TwoTower.AppHost", "TwoTower.LocalPostgres"]),
    ];

    [Theory]
    [InlineData("TWOTOWER_DATABASE")]
    [InlineData("TWOTOWER_HOME")]
    [InlineData("TWOTOWER_CACHE")]
    public void Each_variable_names_every_program_that_reads_it(string variable)
    {
        var readers = RepositoryFiles.With(".cs")
            .Where(path => !path.StartsWith("tests/", StringComparison.Ordinal) && IsRead(RepositoryFiles.Read(path), variable))
            .Select(path => path.Split('/')[0]).ToHashSet();
        Assert.NotEmpty(readers);
        Assert.Empty(readers.Except(Programs.SelectMany(program => program.Projects)));

        var row = RepositoryFiles.Read("docs/configuration.md").Split('\n').Single(line => line.StartsWith($"| `{variable}` |", StringComparison.Ordinal));
        var named = row.Split('|')[2].Split(',', StringSplitOptions.TrimEntries);
        Assert.Equal(Programs.Where(program => program.Projects.Any(readers.Contains)).Select(program => program.Word), named);
    }

    // By its name in the call, or by a constant or a list that the call uses.
    private static bool IsRead(string text, string variable) =>
        text.Contains($"GetEnvironmentVariable(\"{variable}\")", StringComparison.Ordinal)
        || (text.Contains($"\"{variable}\"", StringComparison.Ordinal) && text.Contains("string Variable = ", StringComparison.Ordinal))
        || (text.Contains($"[\"{variable}\"", StringComparison.Ordinal) && text.Contains("string[] Variables = ", StringComparison.Ordinal));
}
