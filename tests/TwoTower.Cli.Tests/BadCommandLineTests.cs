using TwoTower.ServiceDefaults.Commands;
using TwoTower.Testing;

namespace TwoTower.Cli.Tests;

public class BadCommandLineTests
{
    [Theory]
    [InlineData("frobnicate", "frobnicate", "twotower --help")]
    [InlineData("train --frob 3", "--frob", "twotower train --help")]
    [InlineData("train --epochs many", "--epochs many is not a whole number of at least 1", "twotower train --help")]
    [InlineData("train --epochs 0", "--epochs 0", "twotower train --help")]
    [InlineData("train --seed -1", "--seed -1", "twotower train --help")]
    [InlineData("train --device tpu", "'tpu'", "twotower train --help")]
    [InlineData("serve --port 99999", "--port 99999 is not a whole number from 1 to 65535", "twotower serve --help")]
    [InlineData("import csv", "DIR", "twotower import csv --help")]
    [InlineData("features --data .", "--out", "twotower features --help")]
    [InlineData("tune --study s --split test", "--split test: what is chosen on the test users can't be measured on them any more", "twotower tune --help")]
    [InlineData("tune --study s --split training", "--split training is not validation", "twotower tune --help")]
    [InlineData("tune --study s --budget soon", "--budget soon is not a length of time such as 90s, 30m, 12h or 7d", "twotower tune --help")]
    [InlineData("tune --study s --trials 0", "--trials 0 is not a whole number from 1", "twotower tune --help")]
    [InlineData("tune --recipe v3", "--study", "twotower tune --help")]
    [InlineData("db script --vector-schema Ext", "'Ext' is no schema that this script can name", "lower-case letters")]
    [InlineData("demo --data a --movielens b", "--data", "twotower demo --help")]
    [InlineData("evaluate --suite a --data b", "--suite names the data: leave out --data", "twotower evaluate --help")]
    [InlineData("evaluate --suite a --generate", "--suite names the data: leave out --data", "twotower evaluate --help")]
    [InlineData("evaluate --suite a --dump b.csv", "--dump writes the rankings of one set", "twotower evaluate --help")]
    [InlineData("evaluate --suite a --live 5", "--live asks about one set", "twotower evaluate --help")]
    public async Task A_command_line_that_makes_no_sense_is_one_line_and_exit_code_2(string arguments, string named, string help)
    {
        var result = await TwotowerProcess.RunAsync(arguments.Split(' '));

        Assert.Equal(ExitCodes.BadInput, result.ExitCode);
        Assert.Empty(result.Out);
        var line = Assert.Single(result.ErrorLines);
        Assert.Contains(named, line);
        Assert.Contains(help, line);
    }

    [Fact]
    public async Task A_recipe_that_does_not_exist_is_named_with_those_that_do()
    {
        var result = await TwotowerProcess.RunAsync("train", "--recipe", "v99");

        Assert.Equal(ExitCodes.BadInput, result.ExitCode);
        Assert.Contains("v99", Assert.Single(result.ErrorLines));
        Assert.Contains("v2", result.Err);
    }

    [Fact]
    public async Task A_key_that_the_recipe_does_not_have_is_refused_by_name()
    {
        var result = await TwotowerProcess.RunAsync("train", "--set", "training.learning_speed=3");

        Assert.Equal(ExitCodes.BadInput, result.ExitCode);
        Assert.Contains("learning_speed", Assert.Single(result.ErrorLines));
    }

    [Theory]
    [InlineData("--suite frobnicate", "--suite frobnicate: there is no such folder")]
    [InlineData("--data nowhere.zip", "--data nowhere.zip: there is no such folder or file")]
    [InlineData("--movielens nowhere.zip", "--movielens nowhere.zip: there is no such folder or file")]
    [InlineData("--suite .", "--suite .: no folder in it has user_video_decisions (.csv, .tsv, .jsonl")]
    [InlineData("--generate --baseline-set ease.lamda=5", "there is no 'ease.lamda'; write one of ease.lambda")]
    [InlineData("--generate --baseline none --reference best-baseline --recipe v2", "--reference best-baseline and --baseline none don't go together")]
    public async Task An_evaluation_that_cannot_be_is_refused_before_anything_is_read(string arguments, string named)
    {
        var result = await TwotowerProcess.RunAsync(["evaluate", .. arguments.Split(' ')]);

        Assert.Equal(ExitCodes.BadInput, result.ExitCode);
        Assert.Contains(named, Assert.Single(result.ErrorLines), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--data")]
    [InlineData("--movielens")]
    public async Task A_demo_of_files_that_are_not_there_names_them(string option)
    {
        var result = await TwotowerProcess.RunAsync("demo", option, "nowhere.zip", "--exit");

        Assert.Equal(ExitCodes.BadInput, result.ExitCode);
        Assert.Contains($"{option} nowhere.zip: there is no such folder or file", Assert.Single(result.ErrorLines), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("evaluate", "--data", "a", "--data", "b")]
    [InlineData("train", "--recipe", "v2", "--recipe", "v3")]
    public async Task An_option_that_takes_one_value_is_refused_by_name_when_it_is_given_twice(params string[] args)
    {
        var result = await TwotowerProcess.RunAsync(args);

        Assert.Equal(ExitCodes.BadInput, result.ExitCode);
        Assert.Contains(args[1], Assert.Single(result.ErrorLines));
    }

    [Fact]
    public async Task A_database_that_is_neither_a_string_nor_a_file_is_refused()
    {
        var result = await TwotowerProcess.RunAsync("db", "status", "--database", "nowhere");

        Assert.Equal(ExitCodes.BadInput, result.ExitCode);
        Assert.Contains("--database nowhere", Assert.Single(result.ErrorLines));
    }

    [Fact]
    public async Task A_database_that_does_not_answer_is_named_and_its_password_is_not()
    {
        var variables = new Dictionary<string, string?> { ["TWOTOWER_DATABASE"] = "Host=127.0.0.1;Port=1;Database=films;Username=me;Password=hush;Timeout=2" };

        var result = await TwotowerProcess.RunAsync(variables, "db", "status");

        Assert.Equal(ExitCodes.BadInput, result.ExitCode);
        var line = Assert.Single(result.ErrorLines);
        Assert.Contains("TWOTOWER_DATABASE", line);
        Assert.Contains("127.0.0.1:1", line);
        Assert.DoesNotContain("hush", result.Out + result.Err);
    }

    [Fact]
    public async Task A_migration_waits_for_its_database_and_then_says_so()
    {
        var result = await TwotowerProcess.RunAsync("db", "migrate", "--wait", "1", "--database", "Host=127.0.0.1;Port=1;Username=nobody;Database=nothing");

        Assert.Equal(2, result.ExitCode);
        Assert.Contains("the database didn't answer within 1 s", result.Err, StringComparison.Ordinal);
    }
}
