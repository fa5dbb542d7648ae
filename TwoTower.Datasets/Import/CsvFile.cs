using System.Text;
using System.Text.Unicode;
using CsvHelper;
using TwoTower.Core;

namespace TwoTower.Datasets.Import;

/// <summary>A file of fields between separators, CSV or another, plain or gzip, in UTF-8 or, with a byte order mark, in UTF-16.</summary>
internal sealed class CsvFile : TableFile
{
    // An unclosed quote makes the rest of the file one row; it is found before the rest is in memory.
    private const int MaxRowBytes = 32 << 20;
    private readonly CsvReader _rows;
    private readonly string[] _header;
    private readonly FileStream _file;
    private CsvMalformedRecord? _malformed;

    private CsvFile(Stream bytes, FileStream file, string name, char separator, IReadOnlyList<string>? header, bool quotes)
    {
        _file = file;
        _rows = CsvReader.Create(bytes, new CsvReaderOptions
        {
            Separator = separator,
            Mode = quotes ? CsvMode.Rfc4180 : CsvMode.NoEscape,
            HasHeader = false,
            TrackLineNumbers = true,
            MaxRecordSize = MaxRowBytes,
            BufferSize = 1 << 18,
            OnMalformedRecord = record => _malformed = record,
        });
        _header = header is not null ? [.. header]
            : Guard(name, () => Advance(name)) ? [.. Enumerable.Range(0, _rows.FieldCount).Select(at => _rows.GetString(at).Trim())]
            : throw new InputException($"{name} is empty; a header line was expected.");
    }

    public override long Line => _rows.LineNumber;

    public override IReadOnlyList<string> Header => _header;

    public override double? Fraction => _file.CanRead && _file.Length > 0 ? (double)_file.Position / _file.Length : null;

    /// <summary>Opens a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="separator">What separates its columns; null: what its header says, and commas where it has none.</param>
    /// <param name="header">The names of its columns where it has no header line.</param>
    /// <param name="quotes">False: a quote is a character like any other.</param>
    public static CsvFile Open(string path, char? separator, IReadOnlyList<string>? header, bool quotes)
    {
        var name = Path.GetFileName(path);
        return Guard(name, () =>
        {
            var text = TextBytes.OpenUtf8(path, out var file);
            try
            {
                if (separator is null && header is null) (separator, text) = CsvSeparator.Find(text, quotes);
                return new CsvFile(text, file, name, separator ?? ',', header, quotes) { Name = name };
            }
            catch
            {
                text.Dispose();
                throw;
            }
        });
    }

    public override bool Read()
    {
        if (!Guard(Name, () => Advance(Name))) return false;
        if (_rows.FieldCount != _header.Length)
        {
            throw new BadRowException(
                $"{Place}: {_rows.FieldCount} fields where the header has {_header.Length} columns: {Show(_rows.RawRecord)}");
        }

        return true;
    }

    public override ReadOnlySpan<byte> Bytes(int index) => _rows.GetSpan(index);

    public override bool IsNull(int index) => _rows.GetRawSpan(index).IsEmpty;

    public override string? Text(int index) => IsNull(index) ? null : _rows.GetString(index);

    public override void Dispose() => _rows.Dispose();

    private bool Advance(string name)
    {
        bool read;
        try
        {
            read = _rows.Read();
        }
        catch (CsvFormatException error)
        {
            throw new InputException(
                $"{name}, line {error.LineNumber}: this row is longer than {MaxRowBytes >> 20} MiB: a quote is opened and never closed, or the file is no CSV.",
                error);
        }

        if (!read) return false;
        var place = $"{name}, line {_rows.LineNumber}";
        if (_malformed is { } malformed)
        {
            _malformed = null;
            var raw = Show(malformed.RawRecord);
            throw malformed.Reason switch
            {
                CsvMalformedReason.UnterminatedQuote => new InputException($"{place}: a quote is opened and never closed: {raw}"),
                CsvMalformedReason.TextAfterClosingQuote => new BadRowException(
                    $"{place}: a quote is closed in the middle of a field: {raw}. Double the quotes in a field that is in quotes."),
                _ => new BadRowException(
                    $"{place}: a quote stands in the middle of a field: {raw}. Put the field in quotes and double the quotes in it."),
            };
        }

        if (!Utf8.IsValid(_rows.RawRecord))
        {
            throw Wrong(place, static field => !Utf8.IsValid(field), "has bytes that are not UTF-8 text", "Save the file as UTF-8.");
        }

        if (_rows.RawRecord.Contains((byte)0))
        {
            throw Wrong(place, static field => field.Contains((byte)0), "has a NUL character", "PostgreSQL takes none: leave it out.");
        }

        return true;
    }

    private BadRowException Wrong(string place, FieldTest isWrong, string reason, string remedy)
    {
        var at = Enumerable.Range(0, _rows.FieldCount).First(index => isWrong(_rows.GetRawSpan(index)));
        var column = _header?.ElementAtOrDefault(at) ?? $"{at + 1}";
        return new($"{place}: column '{column}' {reason}: '{Show(_rows.GetSpan(at))}'. {remedy}");
    }

    private delegate bool FieldTest(ReadOnlySpan<byte> field);

    // Of a row of many megabytes the beginning is made a text, and nothing else.
    private static string Show(ReadOnlySpan<byte> text) => Show(Encoding.UTF8.GetString(text[..Math.Min(text.Length, 600)]));

    // Long rows are cut: the message is one line for a person.
    internal static string Show(string text)
    {
        if (text.Length > 600) text = text[..600];
        text = text.ReplaceLineEndings("⏎").Replace('\0', '␀').TrimEnd('⏎');
        return text.Length <= 120 ? text : text[..120] + "…";
    }

    private static T Guard<T>(string name, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (DecoderFallbackException error)
        {
            throw new InputException($"{name} is not the text that its first bytes say (UTF-16 or UTF-32): {error.Message} Save it as UTF-8.", error);
        }
        catch (Exception error) when (error is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{name} can't be read: {error.Message}", error);
        }
    }
}
