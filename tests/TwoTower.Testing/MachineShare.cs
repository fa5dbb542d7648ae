using System.Diagnostics;
using System.Globalization;

namespace TwoTower.Testing;

/// <summary>
/// What this process gets of the machine while something is measured: how late a thread is that only sleeps, which no thread of the pool
/// can hold up, and on Linux how much of the processors others take. Where that is little, a bound in seconds is the program's to keep.
/// </summary>
internal sealed class MachineShare : IDisposable
{
    private static readonly TimeSpan Nap = TimeSpan.FromMilliseconds(10), MostLate = TimeSpan.FromMilliseconds(100);

    // Of all processors together.
    private const double MostOfOthers = .2;

    private readonly Thread _napping;
    private readonly (double Busy, double All)? _before = Processors();
    private readonly TimeSpan _ownBefore = Environment.CpuUsage.TotalTime;
    private volatile bool _isOver;
    private TimeSpan _latest;

    public MachineShare()
    {
        _napping = new(() =>
        {
            while (!_isOver)
            {
                var began = Stopwatch.GetTimestamp();
                Thread.Sleep(Nap);
                var late = Stopwatch.GetElapsedTime(began) - Nap;
                if (late > _latest) _latest = late;
            }
        })
        { IsBackground = true };
        _napping.Start();
    }

    /// <summary>Ends the measurement.</summary>
    /// <returns>Why the machine is too busy for a bound in seconds; null: it isn't.</returns>
    public string? WhyBusy()
    {
        Dispose();
        if (_latest > MostLate) return $"a thread that slept woke up {_latest.TotalMilliseconds:0} ms late";
        if (_before is not { } before || Processors() is not { } after) return null;
        var others = (after.Busy - before.Busy - (Environment.CpuUsage.TotalTime - _ownBefore).TotalSeconds) / (after.All - before.All);
        return others > MostOfOthers ? $"others took {others:P0} of the processors" : null;
    }

    public void Dispose()
    {
        _isOver = true;
        _napping.Join();
    }

    // Seconds of all processors since the machine started (proc_stat(5): hundredths of user, nice, system, idle, iowait,
    // irq, softirq, steal).
    private static (double Busy, double All)? Processors()
    {
        if (!OperatingSystem.IsLinux()) return null;
        var line = File.ReadLines("/proc/stat").First().Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var seconds = line.Skip(1).Take(8).Select(text => double.Parse(text, CultureInfo.InvariantCulture) / 100).ToList();
        return (seconds.Sum() - seconds[3] - seconds[4], seconds.Sum());
    }
}
