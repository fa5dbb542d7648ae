using Microsoft.Extensions.Time.Testing;
using TwoTower.Embedding.Telemetry;
using TwoTower.Testing;

namespace TwoTower.Embedding.Tests;

/// <summary>What the log says of a stage's progress.</summary>
public sealed class LogProgressTests
{
    [Fact]
    public void A_line_has_a_rate_and_a_time_left_only_where_they_are_known()
    {
        var (log, time) = (new LogLines(), new FakeTimeProvider());
        var progress = new LogProgress(log, time);

        progress.Report(new(EmbedStage.Embedding, 0, 1000, TimeSpan.Zero, null, null));
        time.Advance(TimeSpan.FromSeconds(6));
        progress.Report(new(EmbedStage.Embedding, 300, 1000, TimeSpan.FromSeconds(6), 50, TimeSpan.FromSeconds(14)));
        progress.Report(new(EmbedStage.Indexing, 0, 1000, TimeSpan.Zero, null, null));

        Assert.Equal(["Embedding: 0 of 1000 videos", "Embedding: 300 of 1000 videos, 50.0/s, 14 s left", "Indexing: 0 of 1000 videos"], log.Text);
    }

    [Fact]
    public void A_time_left_of_days_keeps_its_days()
    {
        var (log, time) = (new LogLines(), new FakeTimeProvider());

        new LogProgress(log, time).Report(new(EmbedStage.Embedding, 300, 1000, TimeSpan.FromDays(1), 0.1, new TimeSpan(2, 3, 4, 5)));

        Assert.Equal(["Embedding: 300 of 1000 videos, 0.1/s, 51 h 04 min left"], log.Text);
    }
}
