using System.Text.Json;
using TwoTower.Core;
using TwoTower.Core.Formats;

namespace TwoTower.Evaluation.Tuning;

/// <summary>
/// The trial that runs, and how long it has: <c>running.json</c>, refreshed while it runs. Where no trial of its number comes of it, the
/// next run knows what went into it.
/// </summary>
internal sealed class RunningTrial : IAsyncDisposable
{
    /// <summary>The time that a kill leaves uncounted, at most.</summary>
    public static readonly TimeSpan Refresh = TimeSpan.FromSeconds(5);

    private readonly string _path;
    private readonly int _number;
    private readonly TimeSpan _interrupted;
    private readonly TimeProvider _time;
    private readonly long _started;
    private readonly ITimer _timer;

    internal RunningTrial(string path, int number, TimeSpan interrupted, TimeProvider time)
    {
        (_path, _number, _interrupted, _time, _started) = (path, number, interrupted, time, time.GetTimestamp());
        Write();
        _timer = time.CreateTimer(_ => Write(), null, Refresh, Refresh);
    }

    /// <summary>Writes how long it ran; the next run counts that only if the trial was not finished.</summary>
    public async ValueTask DisposeAsync()
    {
        await _timer.DisposeAsync(); // waits for a write
        Write();
    }

    /// <summary>The time of all trials that were begun and not finished; none where the file is missing or isn't what a search
    /// wrote.</summary>
    /// <param name="path">The file.</param>
    /// <param name="finished">Trials that were: the time of one that is among them is in its line.</param>
    internal static TimeSpan ReadInterrupted(string path, int finished)
    {
        try
        {
            var state = JsonSerializer.Deserialize<State>(File.ReadAllBytes(path), SnakeCaseJson.Checked);
            return state is { SecondsBefore: >= 0, Seconds: >= 0 }
                ? TimeSpan.FromSeconds(state.SecondsBefore + (state.Number < finished ? 0 : state.Seconds)) : default;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException or OverflowException)
        {
            return default;
        }
    }

    // What it says is worth less than the trial: a disk that is full now may take it the next time, and is no reason to end it.
    private void Write()
    {
        var state = new State(_number, Seconds(_interrupted), Seconds(_time.GetElapsedTime(_started)));
        try
        {
            AtomicFile.Write(_path, stream => JsonSerializer.Serialize(stream, state, SnakeCaseJson.Checked));
        }
        catch (InputException) { }
    }

    private static double Seconds(TimeSpan time) => Math.Round(time.TotalSeconds, 1);

    /// <param name="Number">Of the trial.</param>
    /// <param name="SecondsBefore">That earlier trials took, this one's too, which were begun and not finished.</param>
    /// <param name="Seconds">That it has taken.</param>
    private sealed record State(int Number, double SecondsBefore, double Seconds);
}
