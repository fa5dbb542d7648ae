using Microsoft.Extensions.Time.Testing;
using TwoTower.Cli.Output;

namespace TwoTower.Cli.Tests.Output;

public class RateEstimateTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void A_steady_stage_tells_rate_and_time_left()
    {
        var rate = new RateEstimate(_time);
        for (var i = 0; i <= 10; i++)
        {
            rate.Add(i * 100);
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.Equal(100, rate.PerSecond!.Value, 6);
        Assert.Equal(TimeSpan.FromSeconds(10), rate.Left(2000));
    }

    [Fact]
    public void Nobody_knows_at_the_start_or_without_a_total()
    {
        var rate = new RateEstimate(_time);
        rate.Add(0);

        Assert.Null(rate.PerSecond);
        Assert.Null(rate.Left(100));
    }

    [Fact]
    public void A_stage_that_slowed_down_is_judged_by_its_last_half_minute()
    {
        var rate = new RateEstimate(_time);
        long done = 0;
        for (var second = 0; second < 60; second++, _time.Advance(TimeSpan.FromSeconds(1))) rate.Add(done += 1000);
        for (var second = 0; second < 60; second++, _time.Advance(TimeSpan.FromSeconds(1))) rate.Add(done += 10);

        Assert.InRange(rate.PerSecond!.Value, 9.9, 10.1);
    }

    [Fact]
    public void A_new_phase_counts_from_its_own_start()
    {
        var rate = new RateEstimate(_time);
        rate.Add(1000);
        _time.Advance(TimeSpan.FromSeconds(1));
        rate.Add(0);
        _time.Advance(TimeSpan.FromSeconds(2));
        rate.Add(50);

        Assert.Equal(25, rate.PerSecond!.Value, 6);
    }
}
