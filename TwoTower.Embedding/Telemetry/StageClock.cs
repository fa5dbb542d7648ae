using System.Diagnostics;

namespace TwoTower.Embedding.Telemetry;

/// <summary>Times stages and turns counts into progress.</summary>
internal sealed class StageClock(string modelVersion, TimeProvider time, IProgress<EmbedProgress>? progress)
{
    private readonly Dictionary<EmbedStage, TimeSpan> _stages = [];
    private EmbedStage _stage;
    private long _started, _first, _total;

    public IReadOnlyDictionary<EmbedStage, TimeSpan> Stages => _stages;

    /// <summary>Runs a stage. <paramref name="done"/>: what an earlier run did already; it doesn't count for the rate.</summary>
    public async Task<T> RunAsync<T>(EmbedStage stage, long total, Func<Task<T>> work, long done = 0)
    {
        using var activity = EmbedTelemetry.Source.StartActivity(stage.ToString());
        activity?.SetTag("twotower.model_version", modelVersion).SetTag("twotower.videos", total);
        (_stage, _total, _first, _started) = (stage, total, done, time.GetTimestamp());
        Report(done);
        try
        {
            return await work();
        }
        finally
        {
            var elapsed = time.GetElapsedTime(_started);
            _stages[stage] = _stages.GetValueOrDefault(stage) + elapsed;
            EmbedTelemetry.StageSeconds.Record(elapsed.TotalSeconds, new TagList { { "stage", stage.ToString() } });
        }
    }

    public void Report(long done)
    {
        if (progress is null) return;
        var elapsed = time.GetElapsedTime(_started);
        double? rate = elapsed > TimeSpan.Zero && done > _first ? (done - _first) / elapsed.TotalSeconds : null;
        progress.Report(
            new(_stage, done, _total, elapsed, rate, _total >= done
                ? (_total - done) / rate is { } left ? TimeSpan.FromSeconds(left) : null : null));
    }
}
