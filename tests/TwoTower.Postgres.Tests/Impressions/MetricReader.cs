using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace TwoTower.Postgres.Tests.Impressions;

/// <summary>Adds up the counters of a meter while it lives. Tests of one collection run one after another: nobody else counts
/// meanwhile.</summary>
internal sealed class MetricReader : IDisposable
{
    private readonly ConcurrentDictionary<(string Name, string? Label), long> _sums = new();
    private readonly MeterListener _listener;

    public MetricReader(string meter)
    {
        _listener = new MeterListener
        {
            InstrumentPublished = (instrument, self) => { if (instrument.Meter.Name == meter) self.EnableMeasurementEvents(instrument); },
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) =>
            _sums.AddOrUpdate((instrument.Name, tags.Length > 0 ? (string?)tags[0].Value : null), value, (_, sum) => sum + value));
        _listener.Start();
    }

    public long Sum(string name, string? label) => _sums.GetValueOrDefault((name, label));

    public void Dispose() => _listener.Dispose();
}
