using Microsoft.Extensions.Time.Testing;
using TwoTower.Web.Problems;

namespace TwoTower.Web.Tests;

public sealed class RepeatedLinesTests
{
    [Fact]
    public void Of_each_kind_one_line_a_second_is_written_and_says_how_many_were_left_out()
    {
        var time = new FakeTimeProvider();
        var lines = new RepeatedLines(time);
        Assert.Equal([0, null, null], Enumerable.Range(0, 3).Select(_ => lines.Take("away")));
        Assert.Equal(0, lines.Take("overloaded"));
        time.Advance(TimeSpan.FromMilliseconds(999));
        Assert.Null(lines.Take("away"));
        time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(3, lines.Take("away"));
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(0, lines.Take("away"));
    }
}
