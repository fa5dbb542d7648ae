using System.Diagnostics;

namespace TwoTower.Torture.Load;

/// <summary>How long answers took, in milliseconds.</summary>
internal sealed record Latencies(int Requests, double P50, double P99, double Most)
{
    public static Latencies Of(IEnumerable<Exchange> exchanges)
    {
        double[] sorted =
            [.. exchanges.Select(exchange => Stopwatch.GetElapsedTime(exchange.Asked, exchange.Answered).TotalMilliseconds).Order()];
        return sorted.Length == 0 ? new(0, 0, 0, 0) : new(sorted.Length, At(.5), At(.99), At(1));

        double At(double share) => Math.Round(sorted[Math.Min(sorted.Length - 1, (int)(share * sorted.Length))], 2);
    }
}
