using System.Collections.Concurrent;
using System.Globalization;

namespace TwoTower.Benchmarks.Serving;

/// <summary>Durations by name, and their percentiles.</summary>
internal sealed class Percentiles
{
    private readonly ConcurrentDictionary<string, ConcurrentBag<double>> _milliseconds = new();

    public void Add(string name, double milliseconds) => _milliseconds.GetOrAdd(name, _ => []).Add(milliseconds);

    public void Clear() => _milliseconds.Clear();

    /// <summary>A row of a markdown table: name, clients, count, p50, p99, rate.</summary>
    public string Row(string label, string name, int clients, TimeSpan elapsed)
    {
        double[] sorted = [.. _milliseconds[name].Order()];
        double At(double share) => sorted[Math.Min(sorted.Length - 1, (int)(share * sorted.Length))];
        return string.Create(
            CultureInfo.InvariantCulture,
            $"| {label} | {clients} | {sorted.Length:N0} | {At(.5):0.00} | {At(.99):0.00} | {sorted.Length / elapsed.TotalSeconds:N0} |");
    }
}
