using TwoTower.Postgres.Tables;

namespace TwoTower.Postgres.Tests.Tables;

/// <summary>Reports that repeat while a statement runs.</summary>
public class HeartbeatTests
{
    [Fact]
    public async Task A_report_is_repeated_until_the_statement_ends_and_not_after()
    {
        var (reports, third) = (new List<WriteProgress>(), new TaskCompletionSource());
        var beating = Heartbeat.Start(new Counter(progress =>
        {
            reports.Add(progress);
            if (reports.Count == 3) third.SetResult();
        }), new("videos", 1, 2, "counting"), TimeSpan.FromMilliseconds(1));
        await third.Task.WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);
        await beating.DisposeAsync();
        var count = reports.Count;
        Assert.All(reports, report => Assert.Equal(new WriteProgress("videos", 1, 2, "counting"), report));
        await Task.Delay(50, TestContext.Current.CancellationToken);
        Assert.Equal(count, reports.Count);
    }

    private sealed class Counter(Action<WriteProgress> told) : IProgress<WriteProgress>
    {
        public void Report(WriteProgress value) => told(value);
    }
}
