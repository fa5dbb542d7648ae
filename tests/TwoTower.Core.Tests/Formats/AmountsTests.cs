using TwoTower.Core.Formats;

namespace TwoTower.Core.Tests.Formats;

public class AmountsTests
{
    [Theory]
    [InlineData(0.44, "0.4 s")]
    [InlineData(12.2, "12 s")]
    [InlineData(59.6, "1 min 00 s")]
    [InlineData(185, "3 min 05 s")]
    [InlineData(7830, "2 h 10 min")]
    [InlineData(183_845, "51 h 04 min")]
    public void Times_read_as_a_person_says_them(double seconds, string text) =>
        Assert.Equal(text, Amounts.Time(TimeSpan.FromSeconds(seconds)));

    [Theory]
    [InlineData(4.24, "4.2/s")]
    [InlineData(950, "950/s")]
    [InlineData(12_500, "12.5k/s")]
    [InlineData(2_000_000, "2.0M/s")]
    public void Rates_have_two_or_three_figures(double perSecond, string text) => Assert.Equal(text, Amounts.Rate(perSecond));

    [Theory]
    [InlineData(512, "512 B")]
    [InlineData(3_400, "3.4 KB")]
    [InlineData(12_000_000, "12 MB")]
    public void Sizes_are_decimal(long bytes, string text) => Assert.Equal(text, Amounts.Bytes(bytes));
}
