using TwoTower.Core.Formats;

namespace TwoTower.Core.Tests.Formats;

public class UuidTests
{
    [Theory]
    [InlineData("5f0c1d2e-0000-4000-8000-00000000000a")]
    [InlineData("5F0C1D2E-0000-4000-8000-00000000000A")]
    [InlineData("5f0C1D2e-0000-4000-8000-00000000000a")]
    public void Dashes_and_hexadecimal_digits_in_either_case_are_an_id(string text)
    {
        Assert.True(Uuid.TryParse(text, out var id));
        Assert.Equal(new Guid(0x5f0c1d2e, 0, 0x4000, 0x80, 0, 0, 0, 0, 0, 0, 0x0a), id);
    }

    [Theory]
    [InlineData("")]
    [InlineData("5f0c1d2e00004000800000000000000a")]
    [InlineData("{5f0c1d2e-0000-4000-8000-00000000000a}")]
    [InlineData("(5f0c1d2e-0000-4000-8000-00000000000a)")]
    [InlineData("{0x5f0c1d2e,0x0000,0x4000,{0x80,0x00,0x00,0x00,0x00,0x00,0x00,0x0a}}")]
    [InlineData(" 5f0c1d2e-0000-4000-8000-00000000000")]
    [InlineData("+f0c1d2e-0000-4000-8000-00000000000a")]
    [InlineData("0xf0c1d2-0000-4000-8000-00000000000a")]
    [InlineData("5f0c1d2e-00004-000-8000-00000000000a")]
    [InlineData("5f0c1d2e-0000-4000-8000-00000000000g")]
    [InlineData("５f0c1d2e-0000-4000-8000-00000000000a")]
    public void Any_other_form_is_none(string text) => Assert.False(Uuid.TryParse(text, out _));
}
