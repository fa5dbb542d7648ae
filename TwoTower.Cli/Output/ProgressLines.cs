using TwoTower.Core.Formats;

namespace TwoTower.Cli.Output;

/// <summary>Progress as log lines: one every few seconds, for a log file or a pipe.</summary>
internal sealed class ProgressLines(string title, string unit, Action<string> say, TimeProvider time) : IProgress<StageProgress>
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);
    private readonly Lock _gate = new();
    private readonly RateEstimate _rate = new(time);
    private long _said = time.GetTimestamp();

    public void Report(StageProgress value)
    {
        lock (_gate)
        {
            _rate.Add(value.Done);
            if (time.GetElapsedTime(_said) >= Interval)
            {
                _said = time.GetTimestamp();
                say(Line(value));
            }
        }
    }

    private string Line(StageProgress value)
    {
        var of = value.Total is { } total ? $" of {Amounts.Count(total)}" : "";
        var line = $"{title}: {Amounts.Count(value.Done)}{of} {unit}";
        if (_rate.PerSecond is { } rate)
        {
            line += $", {Amounts.Rate(rate)}";
        }

        if (_rate.Left(value.Total) is { } left)
        {
            line += $", about {Amounts.Time(left)} left";
        }

        return value.Note is { } note ? $"{line} ({note})" : line;
    }
}
