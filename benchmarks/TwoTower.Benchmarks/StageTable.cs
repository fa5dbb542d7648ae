using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace TwoTower.Benchmarks;

/// <summary>Stages of a run as a markdown table: rows, seconds, rows a second, peak memory of this process so far.</summary>
internal sealed class StageTable
{
    private readonly StringBuilder _table = new("| stage | rows | s | rows/s | peak MB |\n| --- | ---: | ---: | ---: | ---: |\n");

    public async Task<T> MeasureAsync<T>(string stage, long rows, Func<Task<T>> work)
    {
        var watch = Stopwatch.StartNew();
        var result = await work();
        Add(stage, rows, watch.Elapsed);
        return result;
    }

    public void Add(string stage, long rows, TimeSpan elapsed)
    {
        using var process = Process.GetCurrentProcess();
        var line = string.Create(
            CultureInfo.InvariantCulture,
            $"| {stage} | {rows:N0} | {elapsed.TotalSeconds:0.0} | {rows / elapsed.TotalSeconds:N0} | {process.PeakWorkingSet64 >> 20:N0} |");
        _table.Append(line).Append('\n');
        Console.Error.WriteLine(line);
    }

    public override string ToString() => _table.ToString();
}
