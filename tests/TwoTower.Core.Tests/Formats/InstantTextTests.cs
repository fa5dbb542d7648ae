using TwoTower.Core.Formats;

namespace TwoTower.Core.Tests.Formats;

public class InstantTextTests
{
    [Theory]
    [InlineData("2025-10-12", "2025-10-12T00:00:00.000000Z")]
    [InlineData("2025-10-12T09:30", "2025-10-12T09:30:00.000000Z")]
    [InlineData("2025-10-12 09:30:00+00", "2025-10-12T09:30:00.000000Z")]
    [InlineData("2025-10-12T09:30:00.5Z", "2025-10-12T09:30:00.500000Z")]
    [InlineData("2025-10-12T09:30:00.1234567891+0900", "2025-10-12T00:30:00.123456Z")]
    [InlineData("2024-02-29T23:59:59-05:30", "2024-03-01T05:29:59.000000Z")]
    [InlineData("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000Z")]
    public void ISO_8601_is_read_as_an_instant(string text, string expected)
    {
        Assert.True(InstantText.TryParse(text, out var instant));
        Assert.Equal(expected, InstantText.Format(instant));
    }

    [Theory]
    [InlineData("")]
    [InlineData("2025")]
    [InlineData("2025-13-01")]
    [InlineData("2023-02-29")]
    [InlineData("2025-10-12T24:00:00Z")]
    [InlineData("2025-10-12T09:60:00Z")]
    [InlineData("2025-10-12T09")]
    [InlineData("2025-10-12T09:30:00.Z")]
    [InlineData("2025-10-12T09:30:00+9")]
    [InlineData("2025-10-12T09:30:00Z junk")]
    [InlineData("12/10/2025")]
    [InlineData("yesterday")]
    [InlineData("0001-01-01T00:00:00+09:00")]
    public void Everything_else_is_refused(string text) => Assert.False(InstantText.TryParse(text, out _));
}
