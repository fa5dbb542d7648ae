using System.Diagnostics;
using System.Diagnostics.Metrics;
using TwoTower.Postgres.Tables;

namespace TwoTower.Postgres.Serving;

/// <summary>Traces and metrics of serving, source and meter <c>TwoTower.Serving</c>; docs/telemetry.md lists them. Never a user's
/// id.</summary>
internal static class ServingTelemetry
{
    /// <summary>Name of the activity source and of the meter.</summary>
    public const string Name = "TwoTower.Serving";

    internal static readonly ActivitySource Source = new(Name);

    private static readonly Meter Meter = new(Name);
    private static string? _release;
    private static IReadOnlyList<OddValue> _odd = [];

    private static readonly Counter<long> Requests = Meter.CreateCounter<long>(
        "twotower.serving.requests", "{request}", "Answered requests by strategy");

    private static readonly Histogram<double> Stages = Meter.CreateHistogram<double>(
        "twotower.serving.stage.duration", "s", "Time of a stage: features, tower, search, rank",
        advice: new InstrumentAdvice<double>
        {
            HistogramBucketBoundaries = [.00005, .0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5],
        });

    private static readonly Histogram<int> Found = Meter.CreateHistogram<int>(
        "twotower.serving.candidates", "{video}", "Candidates that a search returned, filters applied");

    private static readonly Counter<long> Dropped = Meter.CreateCounter<long>(
        "twotower.serving.candidates.dropped", "{video}", "Candidates that re-ranking left out of the answer");

    private static readonly Counter<long> Short = Meter.CreateCounter<long>(
        "twotower.serving.short_answers", "{request}", "Answers with fewer videos than asked for: the filters left no more");

    private static readonly Counter<long> Unanswered = Meter.CreateCounter<long>(
        "twotower.serving.unanswered", "{request}", "Requests without an answer, by reason");

    private static readonly Counter<long> Decided = Meter.CreateCounter<long>(
        "twotower.serving.decisions", "{decision}", "Decisions received, by type");

    private static readonly Counter<long> Loads = Meter.CreateCounter<long>(
        "twotower.serving.tower.loads", "{release}", "Towers loaded: a release's first use in this process, or the first since it made room");

    private static readonly Counter<long> Retries = Meter.CreateCounter<long>(
        "twotower.serving.retries", "{request}", "Answers begun again, by reason: release_gone, connection_cut");

    static ServingTelemetry()
    {
        Meter.CreateObservableGauge(
            "twotower.serving.release", ObserveRelease, "{release}", "1 for the release that the last answer was of, by model version");
        Meter.CreateObservableGauge(
            "twotower.serving.odd_values", ObserveOdd, "{value}", "Values of the public tables that are read as NULL, by table and column");
    }

    internal static void Answered(Recommendations answer, int limit, int candidates)
    {
        var strategy = new KeyValuePair<string, object?>("strategy", NameOf(answer.Strategy));
        Requests.Add(1, strategy);
        Found.Record(candidates, strategy);
        Dropped.Add(candidates - answer.Videos.Count, strategy);
        if (answer.Videos.Count < limit) Short.Add(1, strategy);
        if (answer.ModelVersion is { } version) _release = version;
    }

    internal static void Failed(NoAnswer why) => Unanswered.Add(1, new KeyValuePair<string, object?>("reason", why switch
    {
        NoAnswer.NoUsableRelease => "no_usable_release",
        NoAnswer.UnknownVideo => "unknown_video",
        _ => "video_without_vector",
    }));

    internal static void Decision(string type) => Decided.Add(1, new KeyValuePair<string, object?>("decision", type));

    internal static void Odd(IReadOnlyList<OddValue> values) => _odd = values;

    internal static void TowerLoaded() => Loads.Add(1);

    internal static void Retried(string why) => Retries.Add(1, new KeyValuePair<string, object?>("reason", why));

    internal static Stage Begin(string stage) => new(stage);

    /// <summary>The name of a strategy in answers and labels.</summary>
    public static string NameOf(Strategy strategy) => strategy switch
    {
        Strategy.TwoTower => "two_tower",
        Strategy.PopularAndFresh => "popular_and_fresh",
        _ => "similar",
    };

    private static IEnumerable<Measurement<int>> ObserveRelease() =>
        _release is { } version ? [new(1, new KeyValuePair<string, object?>("model_version", version))] : [];

    private static IEnumerable<Measurement<long>> ObserveOdd() => _odd.Select(odd => new Measurement<long>(
        odd.Count, new KeyValuePair<string, object?>("table", odd.Table), new KeyValuePair<string, object?>("column", odd.Column)));

    /// <summary>A stage of a request: a span, and its duration in the histogram.</summary>
    internal readonly struct Stage : IDisposable
    {
        private readonly string _name;
        private readonly long _started;
        private readonly Activity? _span;

        public Stage(string name)
        {
            _name = name;
            _span = Source.StartActivity(name);
            _started = Stopwatch.GetTimestamp();
        }

        public void Dispose()
        {
            Stages.Record(Stopwatch.GetElapsedTime(_started).TotalSeconds, new KeyValuePair<string, object?>("stage", _name));
            _span?.Dispose();
        }
    }
}
