using Microsoft.Extensions.Time.Testing;
using TwoTower.Cli.Output;

namespace TwoTower.Cli.Tests.Output;

public class ProgressLinesTests
{
    [Fact]
    public void A_line_comes_every_five_seconds_with_rate_and_time_left()
    {
        var time = new FakeTimeProvider();
        var lines = new List<string>();
        var progress = new ProgressLines("training", "samples", lines.Add, time);
        for (var second = 0; second <= 10; second++)
        {
            progress.Report(new(second * 1000, 100_000, "epoch 1 of 5"));
            time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.Equal(
            [
                "training: 5,000 of 100,000 samples, 1000/s, about 1 min 35 s left (epoch 1 of 5)",
                "training: 10,000 of 100,000 samples, 1000/s, about 1 min 30 s left (epoch 1 of 5)",
            ], lines);
    }
}
