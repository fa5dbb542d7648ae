using System.Globalization;
using System.IO.Compression;
using System.Text;
using CsvHelper;
using CsvHelper.Configuration;
using TwoTower.Core;

namespace TwoTower.Datasets.Import;

/// <summary>
/// One CSV file, plain or gzip, read row by row; columns are found by the header's names. Every error names file, line, column and
/// value.
/// </summary>
internal sealed class CsvFile : IDisposable
{
    private readonly StreamReader _text;
    private readonly CsvParser _parser;
    private readonly string[] _header;
    private int _lastLine;

    private CsvFile(string path)
    {
        Name = Path.GetFileName(path);
        Stream stream = File.OpenRead(path);
        if (path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase)) stream = new GZipStream(stream, CompressionMode.Decompress);
        _text = new(stream, new UTF8Encoding(false, throwOnInvalidBytes: true), detectEncodingFromByteOrderMarks: true, 1 << 16);
        _parser = new(_text, new CsvConfiguration(CultureInfo.InvariantCulture)
        {
            BufferSize = 1 << 16,
            IgnoreBlankLines = true,
            BadDataFound = bad => throw new InputException(
                $"{Name}, line {Line}: a quote stands in the middle of a field: {Show(bad.RawRecord)}. Put the field in quotes and double the quotes in it."),
        });
        _header = ReadRecord() ? [.. _parser.Record!.Select(name => name.Trim())] : throw new InputException($"{Name} is empty; a header line was expected.");
        Line = 1;
    }

    /// <summary>File name, for messages.</summary>
    public string Name { get; }

    /// <summary>Line where the row at hand begins, from 1.</summary>
    public int Line { get; private set; }

    /// <summary>Column names.</summary>
    public IReadOnlyList<string> Header => _header;

    /// <summary>Opens <c>table.csv</c> or <c>table.csv.gz</c>.</summary>
    /// <returns>Null when there is neither.</returns>
    public static CsvFile? Open(string directory, string table)
    {
        var plain = Path.Combine(directory, table + ".csv");
        var zipped = plain + ".gz";
        if (File.Exists(plain) && File.Exists(zipped))
        {
            throw new InputException($"{directory} has both {table}.csv and {table}.csv.gz; leave one.");
        }

        var path = File.Exists(plain) ? plain : File.Exists(zipped) ? zipped : null;
        return path is null ? null : Guard(path, () => new CsvFile(path));
    }

    /// <summary>The column of a name.</summary>
    /// <exception cref="InputException">There is none, and it is required.</exception>
    public CsvColumn Column(string name, bool required = false)
    {
        var index = Array.IndexOf(_header, name);
        if (index < 0 && required)
        {
            throw new InputException($"{Name} has no column '{name}'; its header is: {string.Join(",", _header)}");
        }

        if (index >= 0 && Array.IndexOf(_header, name, index + 1) >= 0) throw new InputException($"{Name} has the column '{name}' twice.");
        return new(this, name, index);
    }

    /// <summary>Moves to the next row.</summary>
    /// <returns>False at the end.</returns>
    public bool Read()
    {
        if (!Guard(Name, ReadRecord)) return false;
        if (_parser.Count != _header.Length)
        {
            throw new InputException(
                $"{Name}, line {Line}: {_parser.Count} fields where the header has {_header.Length} columns: {Show(_parser.RawRecord)}");
        }

        return true;
    }

    /// <summary>A field of the row at hand; null when it is empty.</summary>
    public string? Field(int index) => _parser[index] is { Length: > 0 } text ? text : null;

    public void Dispose()
    {
        _parser.Dispose();
        _text.Dispose();
    }

    private bool ReadRecord()
    {
        Line = _lastLine + 1;
        var read = _parser.Read();
        if (read && _parser.RawRecord is { } raw && raw.TrimEnd('\r', '\n').Count(c => c == '"') % 2 == 1)
        {
            throw new InputException($"{Name}, line {Line}: a quote is opened and never closed: {Show(raw)}");
        }

        _lastLine = _parser.RawRow;
        return read;
    }

    // Long rows are cut: the message is one line for a person.
    private static string Show(string text)
    {
        text = text.ReplaceLineEndings("⏎").TrimEnd('⏎');
        return text.Length <= 120 ? text : text[..120] + "…";
    }

    private static T Guard<T>(string path, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (DecoderFallbackException error)
        {
            throw new InputException($"{Path.GetFileName(path)} is not UTF-8 text; save it as UTF-8.", error);
        }
        catch (Exception error) when (error is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{Path.GetFileName(path)} can't be read: {error.Message}", error);
        }
    }
}
