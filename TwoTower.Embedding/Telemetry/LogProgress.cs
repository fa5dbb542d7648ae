using TwoTower.Core.Formats;

namespace TwoTower.Embedding.Telemetry;

/// <summary>Progress as structured log lines, at most one every few seconds.</summary>
internal sealed partial class LogProgress(ILogger log, TimeProvider time) : IProgress<EmbedProgress>
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(5);
    private readonly Lock _lock = new();
    private EmbedStage? _stage;
    private long _last;

    public void Report(EmbedProgress value)
    {
        lock (_lock)
        {
            if (_stage == value.Stage && time.GetElapsedTime(_last) < Pause) return;
            (_stage, _last) = (value.Stage, time.GetTimestamp());
        }

        if (value is { PerSecond: { } rate, Remaining: { } left }) LogRate(value.Stage, value.Done, value.Total, rate, Amounts.Time(left));
        else LogStage(value.Stage, value.Done, value.Total);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{Stage}: {Done} of {Total} videos")]
    private partial void LogStage(EmbedStage stage, long done, long total);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Stage}: {Done} of {Total} videos, {Rate:0.0}/s, {Remaining} left")]
    private partial void LogRate(EmbedStage stage, long done, long total, double rate, string remaining);
}
