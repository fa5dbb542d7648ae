using Microsoft.Extensions.Logging;

namespace TwoTower.Testing;

/// <summary>A logger that keeps its lines, of every level.</summary>
internal sealed class LogLines : ILogger
{
    private readonly List<(LogLevel Level, string Text, Exception? Exception)> _lines = [];

    /// <summary>The lines so far.</summary>
    public IReadOnlyList<string> Text
    {
        get { lock (_lines) return [.. _lines.Select(line => line.Text)]; }
    }

    /// <summary>The lines of a level.</summary>
    public IReadOnlyList<string> Of(LogLevel level)
    {
        lock (_lines) return [.. _lines.Where(line => line.Level == level).Select(line => line.Text)];
    }

    /// <summary>The exceptions that were logged so far.</summary>
    public IReadOnlyList<Exception> Exceptions
    {
        get { lock (_lines) return [.. _lines.Select(line => line.Exception).OfType<Exception>()]; }
    }

    /// <summary>Told each line.</summary>
    public Action<string> OnLine { get; set; } = _ => { };

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        ArgumentNullException.ThrowIfNull(formatter);
        var line = formatter(state, exception);
        lock (_lines) _lines.Add((logLevel, line, exception));
        OnLine(line);
    }
}
