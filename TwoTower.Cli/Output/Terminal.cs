using System.Text.Json;
using Spectre.Console;
using Spectre.Console.Rendering;
using TwoTower.Core.Formats;

namespace TwoTower.Cli.Output;

/// <summary>
/// Where a verb talks. People get messages and tables on standard output; with --json, standard output holds one JSON document and
/// nothing else, and messages go to standard error.
/// </summary>
internal sealed class Terminal
{
    private readonly IAnsiConsole _console;
    private readonly TextWriter _messages;
    private readonly TextWriter _output;
    private readonly bool _verbose;
    private readonly TimeProvider _time;

    public Terminal(TextWriter output, TextWriter error, bool json, bool verbose, TimeProvider time)
    {
        _output = output;
        _messages = json ? error : output;
        _verbose = verbose;
        _time = time;
        IsJson = json;
        IsInteractive = !(json ? Console.IsErrorRedirected : Console.IsOutputRedirected);
        _console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(_messages),
            Ansi = IsInteractive ? AnsiSupport.Detect : AnsiSupport.No,
            Interactive = IsInteractive ? InteractionSupport.Detect : InteractionSupport.No,
        });
        if (!IsInteractive)
        {
            _console.Profile.Width = 140; // nobody's window: don't fold tables at 80
        }
    }

    /// <summary>Whether the result goes out as JSON.</summary>
    public bool IsJson { get; }

    /// <summary>Whether a person watches: then progress is a bar, else a log line now and then.</summary>
    public bool IsInteractive { get; }

    /// <summary>A message of its own line.</summary>
    public void Say(string message)
    {
        if (IsInteractive)
        {
            _console.WriteLine(message); // through the console that draws the progress bar: the line goes above it
        }
        else
        {
            _messages.WriteLine(message);
        }
    }

    /// <summary>A result that is a text of its own, as it is.</summary>
    public void Write(string text) => _output.Write(text);

    /// <summary>A message for --verbose.</summary>
    public void Detail(string message)
    {
        if (_verbose)
        {
            Say(message);
        }
    }

    /// <summary>A message that something is not as it should be, though the work goes on.</summary>
    public void Warn(string message) => Say($"note: {message}");

    /// <summary>A table or the like, for people.</summary>
    public void Show(IRenderable renderable) => _console.Write(renderable);

    /// <summary>The result: JSON for a script, else whatever <paramref name="show"/> does for a person.</summary>
    public void Result<T>(T result, Action show)
    {
        if (IsJson)
        {
            _output.WriteLine(JsonSerializer.Serialize(result, SnakeCaseJson.Indented));
        }
        else
        {
            show();
        }
    }

    /// <summary>Runs a stage under a progress bar, or with a log line every few seconds where nobody watches.</summary>
    /// <param name="title">What the stage does: "training".</param>
    /// <param name="unit">What it counts: "samples".</param>
    /// <param name="work">The stage; reports from any thread.</param>
    public async Task<T> StageAsync<T>(string title, string unit, Func<IProgress<StageProgress>, Task<T>> work)
    {
        var started = _time.GetTimestamp();
        var result = IsInteractive
            ? await ProgressBar.RunAsync(_console, title, unit, _time, work)
            : await work(new ProgressLines(title, unit, Say, _time));
        Say($"{title}: done in {Amounts.Time(_time.GetElapsedTime(started))}");
        return result;
    }

    /// <summary>Runs a stage that returns nothing.</summary>
    public Task StageAsync(string title, string unit, Func<IProgress<StageProgress>, Task> work) =>
        StageAsync(title, unit, async progress =>
        {
            await work(progress);
            return true;
        });
}
