using System.CommandLine;
using TwoTower.Cli.Hosting;
using TwoTower.Core;

namespace TwoTower.Cli.Tests;

public sealed class DatabaseChoiceTests : IDisposable
{
    private readonly string _file = Path.GetTempFileName();

    public void Dispose() => File.Delete(_file);

    [Fact]
    public void The_option_wins_over_both_variables_and_the_first_variable_over_the_second()
    {
        string? Variables(string name) => name == "TWOTOWER_DATABASE" ? "Host=first" : "Host=second";

        Assert.StartsWith("Host=given;", Choose("--database Host=given", Variables).ConnectionString);
        Assert.StartsWith("Host=first;", Choose("", Variables).ConnectionString);
        Assert.StartsWith("Host=second;", Choose("", name => name == "TWOTOWER_DATABASE" ? null : "Host=second").ConnectionString);
    }

    [Fact]
    public void Without_any_of_them_it_is_the_PostgreSQL_of_our_own() => Assert.Null(Choose("", _ => null).ConnectionString);

    [Fact]
    public void A_file_may_hold_the_connection_string_and_then_its_password_is_nobody_elses_to_see()
    {
        File.WriteAllText(_file, "Host=db;Username=me;Password=hush\n");

        var choice = Choose($"--database {_file}", _ => null);

        Assert.StartsWith("Host=db;Username=me;Password=hush;", choice.ConnectionString);
        Assert.False(choice.PasswordOnCommandLine);
    }

    [Theory]
    [InlineData("Host=db;Password=hush")]
    [InlineData("postgres://me:hush@db/films")]
    public void A_password_on_the_command_line_is_noticed(string database) =>
        Assert.True(Choose($"--database {database}", _ => null).PasswordOnCommandLine);

    [Fact]
    public void An_empty_file_is_refused() =>
        Assert.Contains("empty", Assert.Throws<InputException>(() => Choose($"--database {_file}", _ => null)).Message);

    private static DatabaseChoice Choose(string commandLine, Func<string, string?> variable) =>
        DatabaseChoice.From(new RootCommand { CommonOptions.Database }.Parse(commandLine), variable);
}
