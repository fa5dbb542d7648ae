using System.CommandLine;
using TwoTower.ServiceDefaults.Commands;

namespace TwoTower.ServiceDefaults.Tests;

public sealed class DurationOptionTests
{
    [Theory]
    [InlineData("90s", 90)]
    [InlineData("86400s", 86_400)]
    [InlineData("20000m", 1_200_000)]
    [InlineData("1.5h", 5_400)]
    [InlineData("7d", 604_800)]
    [InlineData("9999d", 863_913_600)]
    public void A_number_and_a_unit_are_a_length_of_time(string text, double seconds) =>
        Assert.Equal(TimeSpan.FromSeconds(seconds), DurationOption.Parse(text));

    [Theory]
    [InlineData("")]
    [InlineData("d")]
    [InlineData("12")]
    [InlineData("soon")]
    [InlineData("-1h")]
    [InlineData("1,5h")]
    [InlineData("NaNh")]
    [InlineData("10000d")]
    [InlineData("1e9d")]
    [InlineData("99999999999999999999d")]
    [InlineData("5w")]
    public void Anything_else_is_none(string text) => Assert.Null(DurationOption.Parse(text));

    [Theory]
    [InlineData("0h")]
    [InlineData("soon")]
    public void An_option_names_itself_the_value_and_what_it_could_be(string text)
    {
        var option = DurationOption.Create("--every", "Again.");
        var error = Assert.Single(new RootCommand { option }.Parse(["--every", text]).Errors);
        Assert.Equal($"--every {text} is not a length of time such as 90s, 30m, 12h or 7d", error.Message);
    }
}
