using TwoTower.ServiceDefaults.Commands;
using TwoTower.Testing;

namespace TwoTower.Cli.Tests;

/// <summary>No way of writing a connection string makes the command line repeat the password.</summary>
public class ConnectionStringTests
{
    [Theory]
    [InlineData("host=127.0.0.1 port=1 dbname=db user=u password=SECRET")]
    [InlineData("Host=127.0.0.1;Port=1;Database=db user=u password=SECRET")]
    [InlineData("postgres://u:SECRET@127.0.0.1:1/db?sslmode=verify-full")]
    [InlineData("postgres://u:SE/SECRET@127.0.0.1:1/db")]
    public async Task A_database_that_does_not_answer_is_told_without_its_password(string database)
    {
        foreach (var verbose in new[] { "--json", "--verbose" })
        {
            var result = await TwotowerProcess.RunAsync(new Dictionary<string, string?> { ["TWOTOWER_DATABASE"] = database }, "db",
                "status", verbose);

            Assert.Equal(ExitCodes.BadInput, result.ExitCode);
            Assert.DoesNotContain("SECRET", result.Err + result.Out);
            Assert.Contains("TWOTOWER_DATABASE", result.Err);
        }
    }

    [Fact]
    public async Task A_connection_string_that_the_shell_took_apart_is_refused_without_its_password()
    {
        var result = await TwotowerProcess.RunAsync("db", "status", "--database", "host=127.0.0.1", "port=1", "user=u", "password=SECRET");

        Assert.Equal(ExitCodes.BadInput, result.ExitCode);
        Assert.DoesNotContain("SECRET", result.Err + result.Out);
    }

    [Fact]
    public async Task An_option_without_effect_is_told()
    {
        var result = await TwotowerProcess.RunAsync(
            new Dictionary<string, string?> { ["TWOTOWER_DATABASE"] = "postgres://u:SECRET@127.0.0.1:1/db?pgbouncer=true&pool_timeout=3" },
                "db", "status");

        Assert.Contains("'pool_timeout'", result.Out);
        Assert.DoesNotContain("SECRET", result.Err + result.Out);
    }
}
