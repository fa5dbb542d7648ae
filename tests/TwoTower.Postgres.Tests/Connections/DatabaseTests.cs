using TwoTower.Core;
using TwoTower.Postgres.Connections;

namespace TwoTower.Postgres.Tests.Connections;

public class DatabaseTests
{
    [Fact]
    public void A_URL_is_a_connection_string_too()
    {
        var settings = DataSources.Normalize("postgres://me:p%40ss@db.example:6543/shop?sslmode=require");
        Assert.Equal(("db.example", 6543, "me", "p@ss", "shop"), (settings.Host, settings.Port, settings.Username, settings.Password, settings.Database));
        Assert.Equal(Npgsql.SslMode.Require, settings.SslMode);
        Assert.Equal("twotower", settings.ApplicationName);
    }

    [Fact]
    public void What_the_connection_string_says_wins_over_the_defaults()
    {
        Assert.Equal(0, DataSources.Normalize("Host=a").CommandTimeout);
        var settings = DataSources.Normalize("Host=a;Command Timeout=7;Timeout=3;Application Name=mine");
        Assert.Equal((7, 3, "mine"), (settings.CommandTimeout, settings.Timeout, settings.ApplicationName));
    }

    [Theory]
    [InlineData("Host=a;Hoost=b;Password=secret")]
    [InlineData("nonsense secret")]
    [InlineData("postgres://")]
    [InlineData("Database=x;Password=secret")]
    public void What_is_no_connection_string_is_refused_without_repeating_it(string text)
    {
        var error = Assert.Throws<InputException>(() => DataSources.Normalize(text));
        Assert.DoesNotContain("secret", error.Message, StringComparison.Ordinal);
    }
}
