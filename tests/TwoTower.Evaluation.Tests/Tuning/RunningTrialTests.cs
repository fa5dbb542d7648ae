using Microsoft.Extensions.Time.Testing;
using TwoTower.Evaluation.Tuning;
using TwoTower.Testing;

namespace TwoTower.Evaluation.Tests.Tuning;

public sealed class RunningTrialTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FakeTimeProvider _time = new();

    private string Folder => Path.Combine(_folder.Path, "study");

    private string Running => Path.Combine(Folder, "running.json");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_time_of_trials_that_were_stopped_counts_and_adds_up_over_the_runs()
    {
        await StopAsync(TimeSpan.FromSeconds(17));
        await StopAsync(TimeSpan.FromSeconds(4.5));

        Assert.Equal(TimeSpan.FromSeconds(21.5), Interrupted());
    }

    [Fact]
    public async Task After_a_kill_all_counts_but_what_came_after_the_last_refresh()
    {
        await StopAsync(TimeSpan.FromSeconds(2));
        byte[] killed;
        using (var study = StudyTests.Open(Folder))
        await using (study.Run(_time))
        {
            foreach (var passed in new[] { RunningTrial.Refresh, RunningTrial.Refresh, TimeSpan.FromSeconds(1) }) _time.Advance(passed);
            killed = await File.ReadAllBytesAsync(Running); // what is on the disk then
        }

        await File.WriteAllBytesAsync(Running, killed);

        Assert.Equal(TimeSpan.FromSeconds(2) + 2 * RunningTrial.Refresh, Interrupted());
    }

    [Fact]
    public async Task A_finished_trial_counts_by_its_own_line_and_those_before_it_stay_counted()
    {
        await StopAsync(TimeSpan.FromSeconds(17));
        using (var study = StudyTests.Open(Folder))
        await using (study.Run(_time))
        {
            _time.Advance(TimeSpan.FromMinutes(1));
            study.Add(StudyTests.Of(0));
        }

        Assert.Equal(TimeSpan.FromSeconds(17), Interrupted());
    }

    [Theory]
    [InlineData("")]
    [InlineData("{\"number\":0,\"seconds_bef")]
    [InlineData("\0\0\0\0\0\0\0\0")]
    [InlineData("null")]
    [InlineData("{\"number\":0}")]
    [InlineData("{\"number\":0,\"seconds_before\":-1e6,\"seconds\":5}")]
    [InlineData("{\"number\":0,\"seconds_before\":1e300,\"seconds\":5}")]
    public async Task A_file_that_is_not_what_a_search_wrote_counts_as_none(string content)
    {
        await StopAsync(TimeSpan.FromSeconds(17));
        await File.WriteAllTextAsync(Running, content);
        Assert.Equal(TimeSpan.Zero, Interrupted());

        await StopAsync(TimeSpan.FromSeconds(3));
        Assert.Equal(TimeSpan.FromSeconds(3), Interrupted());
    }

    [Fact]
    public async Task A_file_that_cant_be_written_ends_no_trial()
    {
        StudyTests.Open(Folder).Dispose();
        Directory.CreateDirectory(Running);

        using (var study = StudyTests.Open(Folder))
        await using (study.Run(_time))
        {
            _time.Advance(TimeSpan.FromMinutes(1));
            study.Add(StudyTests.Of(0));
        }

        using var again = StudyTests.Open(Folder);
        Assert.Single(again.Trials);
        Assert.Equal(TimeSpan.Zero, again.Interrupted);
    }

    // A run that ends in its first trial.
    private async Task StopAsync(TimeSpan after)
    {
        using var study = StudyTests.Open(Folder);
        await using var running = study.Run(_time);
        _time.Advance(after);
    }

    private TimeSpan Interrupted()
    {
        using var study = StudyTests.Open(Folder);
        return study.Interrupted;
    }
}
