using System.Text;

namespace TwoTower.Datasets.Import;

/// <summary>Lines of fields between separators, without quotes and without a header line, in UTF-8 or else Latin-1.</summary>
internal sealed class SplitFile : TableFile
{
    private readonly LineReader _lines;
    private readonly string _separator;
    private readonly string[] _header;
    private readonly int _atLeast;
    private string[] _fields = [];

    private SplitFile(LineReader lines, string separator, string[] header, int atLeast) =>
        (_lines, _separator, _header, _atLeast) = (lines, separator, header, atLeast);

    public override long Line => _lines.Line;

    public override IReadOnlyList<string> Header => _header;

    public override double? Fraction => _lines.Fraction;

    /// <summary>Opens a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="separator">Between two fields.</param>
    /// <param name="header">The columns.</param>
    /// <param name="atLeast">How many of them a line must have.</param>
    public static SplitFile Open(string path, string separator, string[] header, int atLeast) =>
        new(new LineReader(path, IsUtf8(path) ? null : Encoding.Latin1), separator, header, atLeast) { Name = Path.GetFileName(path) };

    public override bool Read()
    {
        if (_lines.Read() is not { } line) return false;
        _fields = line.Split(_separator);
        if (_fields.Length < _atLeast)
        {
            throw new BadRowException(
                $"{Place}: {_fields.Length} fields where {string.Join(_separator.Replace("\t", " ", StringComparison.Ordinal), _header.Take(_atLeast))} was expected: {CsvFile.Show(line)}");
        }

        var bad = Array.FindIndex(_fields, field => field.Contains('\0', StringComparison.Ordinal));
        if (bad < 0) return true;
        var column = _header.ElementAtOrDefault(bad) ?? $"{bad + 1}";
        throw new BadRowException($"{Place}: column '{column}' has a NUL character: '{CsvFile.Show(_fields[bad])}'. PostgreSQL takes none: leave it out.");
    }

    public override ReadOnlySpan<byte> Bytes(int index) => Encoding.UTF8.GetBytes(Text(index) ?? "");

    public override bool IsNull(int index) => Text(index) is null;

    public override string? Text(int index) => index < _fields.Length && _fields[index].Length > 0 ? _fields[index] : null;

    public override void Dispose() => _lines.Dispose();

    private static bool IsUtf8(string path)
    {
        try
        {
            using var reader = new StreamReader(path, new UTF8Encoding(false, throwOnInvalidBytes: true));
            var buffer = new char[1 << 16];
            while (reader.Read(buffer) > 0)
            {
            }

            return true;
        }
        catch (DecoderFallbackException)
        {
            // ml-1m and ml-100k are Latin-1: the file itself is the only thing that tells.
            return false;
        }
    }
}
