using System.Text;
using TwoTower.Core;

namespace TwoTower.Datasets.Import;

/// <summary>Lines of a text file, plain or gzip, without those that are blank.</summary>
internal sealed class LineReader : IDisposable
{
    // Beyond it a file has no lines.
    private const int MaxLine = 64 << 20;

    private readonly string _name;
    private readonly FileStream _file;
    private readonly StreamReader _text;
    private readonly StringBuilder _line = new();
    private readonly char[] _buffer = new char[1 << 15];
    private int _at;
    private int _end;

    /// <summary>Opens a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="encoding">Its encoding; null: UTF-8, or what its byte order mark says.</param>
    public LineReader(string path, Encoding? encoding = null)
    {
        _name = Path.GetFileName(path);
        (_text, _file) = Guard(() =>
        {
            var bytes = TextBytes.OpenUtf8(path, out var file);
            return (new StreamReader(bytes, encoding ?? new UTF8Encoding(false, throwOnInvalidBytes: true),
                detectEncodingFromByteOrderMarks: false, 1 << 16), file);
        });
    }

    /// <summary>The line at hand, from 1.</summary>
    public long Line { get; private set; }

    /// <summary>The part of the file that is read.</summary>
    public double? Fraction => _file.CanRead && _file.Length > 0 ? (double)_file.Position / _file.Length : null;

    /// <summary>The next line that isn't blank; null at the end.</summary>
    public string? Read()
    {
        while (Guard(Next) is { } line)
        {
            Line++;
            if (!string.IsNullOrWhiteSpace(line)) return line;
        }

        return null;
    }

    public void Dispose() => _text.Dispose();

    private string? Next()
    {
        _line.Clear();
        while (true)
        {
            if (_at == _end)
            {
                (_at, _end) = (0, _text.Read(_buffer));
                if (_end == 0) return _line.Length > 0 ? _line.ToString() : null;
            }

            var rest = _buffer.AsSpan(_at, _end - _at);
            var stop = rest.IndexOf('\n');
            _line.Append(stop < 0 ? rest : rest[..stop]);
            _at += stop < 0 ? rest.Length : stop + 1;
            if (_line.Length > MaxLine) throw new InputException(
                $"{_name}, line {Line + 1}: this line is longer than {MaxLine >> 20} MiB: the file has no lines.");
            if (stop < 0) continue;
            if (_line.Length > 0 && _line[^1] == '\r') _line.Length--;
            return _line.ToString();
        }
    }

    private T Guard<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (DecoderFallbackException error)
        {
            throw new InputException(
                $"{_name}, line {Line + 1} or after it: there are bytes that are not UTF-8 text. Save the file as UTF-8.", error);
        }
        catch (Exception error) when (error is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{_name} can't be read: {error.Message}", error);
        }
    }
}
