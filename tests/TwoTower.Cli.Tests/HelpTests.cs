using TwoTower.Cli.Hosting;
using TwoTower.ServiceDefaults.Commands;
using TwoTower.Testing;

namespace TwoTower.Cli.Tests;

public class HelpTests
{
    public static TheoryData<string> Verbs => new(
        "demo", "db start", "db stop", "db migrate", "db status", "import csv", "import movielens", "import supabase", "generate", "train", "evaluate", "tune", "export", "embed", "embed-text",
        "publish", "upload embeddings", "upload runtime", "serve", "recommend", "features", "manifest build", "manifest verify", "releases list", "releases show",
        "releases verify", "releases activate", "releases rollback", "releases retire", "releases prune", "releases pin", "releases unpin",
        "releases export", "releases import", "releases compare", "experiments start", "experiments stop", "experiments list", "doctor");

    [Theory]
    [MemberData(nameof(Verbs))]
    public async Task Every_verb_explains_itself_with_an_example_that_parses(string verb)
    {
        var help = await TwotowerProcess.RunAsync([.. verb.Split(' '), "--help"]);

        Assert.Equal(ExitCodes.Success, help.ExitCode);
        Assert.Empty(help.Err);
        Assert.Contains($"twotower {verb}", help.Out);
        Assert.Contains("Example", help.Out);
        var examples = help.Out.Replace("\\\n", " ").Split('\n').Select(line => line.Trim()).Where(line => line.StartsWith("twotower ")).Skip(1);
        Assert.NotEmpty(examples);
        foreach (var example in examples) Assert.Empty(Parse(example[9..]));
    }

    [Fact]
    public async Task Without_a_verb_the_help_shows_where_to_begin()
    {
        var help = await TwotowerProcess.RunAsync();

        Assert.Equal(ExitCodes.Success, help.ExitCode);
        Assert.Contains("twotower demo", help.Out);
        Assert.Contains("Exit codes", help.Out);
    }

    [Theory]
    [InlineData("db")]
    [InlineData("import")]
    [InlineData("manifest")]
    [InlineData("upload")]
    [InlineData("releases")]
    [InlineData("experiments")]
    public async Task A_group_without_a_verb_lists_its_verbs(string group)
    {
        var help = await TwotowerProcess.RunAsync(group);

        Assert.Equal(ExitCodes.Success, help.ExitCode);
        Assert.Contains("Commands:", help.Out);
    }

    [Fact]
    public async Task The_version_is_shown() =>
        Assert.Matches(@"^\d+\.\d+\.\d+", (await TwotowerProcess.RunAsync("--version")).Out);

    private static IEnumerable<string> Parse(string commandLine)
    {
        using var interruption = new Interruption();
        var root = CommandLine.Create(new CommandHost(interruption, TextWriter.Null, TextWriter.Null, TimeProvider.System));
        return root.Parse(commandLine.Replace('\'', '"')).Errors.Select(error => error.Message);
    }
}
