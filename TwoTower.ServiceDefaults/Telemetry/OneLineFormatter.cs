using System.Globalization;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;

namespace TwoTower.ServiceDefaults.Telemetry;

/// <summary>
/// The framework's console formatter with control characters of a message written as text: the framework itself logs the path of a request
/// as the client wrote it, and a line break in it would make a line of the log that nobody logged. Line breaks of a stack trace stay; those
/// of an exception's message, which may repeat what a client sent, are written as text too.
/// </summary>
internal sealed class OneLineFormatter(IServiceProvider services) : ConsoleFormatter(FormatterName)
{
    /// <summary>Its name, for Logging:Console:FormatterName.</summary>
    public const string FormatterName = "one-line";

    // Looked up at the first line: all formatters are made together.
    private readonly Lazy<ConsoleFormatter> _inner = new(() =>
        services.GetServices<ConsoleFormatter>().Single(formatter => formatter.Name == ConsoleFormatterNames.Simple));

    public override void Write<TState>(in LogEntry<TState> logEntry, IExternalScopeProvider? scopeProvider, TextWriter textWriter)
    {
        var format = logEntry.Formatter;
        var escaped = new LogEntry<TState>(
            logEntry.LogLevel, logEntry.Category, logEntry.EventId, logEntry.State, EscapedException.Of(logEntry.Exception),
            (state, exception) => Escape(format(state, exception)));
        _inner.Value.Write(in escaped, scopeProvider, textWriter);
    }

    /// <summary>The text with what breaks a line, or moves a terminal's cursor, as \uXXXX.</summary>
    internal static string Escape(string text)
    {
        if (!text.Any(Breaks)) return text;
        var written = new StringBuilder(text.Length + 16);
        foreach (var c in text)
        {
            if (Breaks(c)) written.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
            else written.Append(c);
        }

        return written.ToString();
    }

    private static bool Breaks(char c) => char.IsControl(c) && c != '\t' || c is '\u2028' or '\u2029';

    // The text of an exception with the messages in it escaped.
    private sealed class EscapedException : Exception
    {
        private readonly string _text;

        private EscapedException(Exception exception, string text)
            : base(Escape(exception.Message)) => _text = text;

        public static EscapedException? Of(Exception? exception)
        {
            if (exception is null) return null;
            var text = exception.ToString();
            var breaking = Messages(exception).Where(message => message.Any(Breaks)).Distinct();
            foreach (var message in breaking.OrderByDescending(message => message.Length))
            {
                text = text.Replace(message, Escape(message), StringComparison.Ordinal);
            }

            return new EscapedException(exception, text);
        }

        public override string ToString() => _text;

        private static IEnumerable<string> Messages(Exception exception)
        {
            IEnumerable<Exception> inner = exception is AggregateException many ? many.InnerExceptions
                : exception.InnerException is { } one ? [one] : [];
            return inner.SelectMany(Messages).Prepend(exception.Message);
        }
    }
}
